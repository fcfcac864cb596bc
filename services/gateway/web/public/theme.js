// Runs before the first paint, so that a chosen theme does not flash. The values are those of src/lib/appearance.svelte.ts.
(function () {
  try {
    var chosen = JSON.parse(localStorage.getItem("aerie.appearance") || "{}");
    if (["light", "dark", "contrast"].indexOf(chosen.theme) >= 0) document.documentElement.dataset.theme = chosen.theme;
    if (chosen.density === "roomy") document.documentElement.dataset.density = "roomy";
  } catch {
    // Storage is off or holds something else: the system's theme is used.
  }
})();
