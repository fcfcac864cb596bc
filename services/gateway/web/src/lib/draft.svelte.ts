/** A form over something on the server: edited here, saved when asked to, and not overwritten while it is edited. */

import { messageOf } from "./errors";

export class Draft<T extends object> {
  value = $state.raw<T>({} as T);
  problem = $state("");
  isSaving = $state(false);
  isSaved = $state(false);
  isLoaded = $state(false);
  #base = $state("{}");

  isChanged = $derived(JSON.stringify(this.value) !== this.#base);

  /** Takes what the server has, unless something was changed here. */
  take(told: T): void {
    if (!this.isLoaded || !this.isChanged) {
      this.value = structuredClone(told);
      this.#base = JSON.stringify(told);
    }
    this.isLoaded = true;
  }

  /** Sends what was written; says whether the server took it. */
  async save(send: (value: T) => Promise<T>): Promise<boolean> {
    this.isSaving = true;
    this.isSaved = false;
    try {
      const told = await send(this.value);
      this.#base = JSON.stringify(told);
      this.value = told;
      this.problem = "";
      this.isSaved = true;
    } catch (error) {
      this.problem = messageOf(error);
    } finally {
      this.isSaving = false;
    }
    return this.problem === "";
  }
}
