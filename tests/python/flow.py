"""Drives Aerie through a generated client, from the first call to the last, and asserts every step.

Usage: flow.py ADDRESS GENERATED, where GENERATED is the folder of the generated modules and ADDRESS is host:port of a
demo that has had its first run. Ends with 0 when every step held.
"""

import json
import sys
import time
import uuid

import grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

ADDRESS, GENERATED = sys.argv[1], sys.argv[2]
sys.path.insert(0, GENERATED)

import error_details_pb2 as details  # noqa: E402
from aerie.pipeline.v1 import (  # noqa: E402
    discovery_service_pb2 as discovery_pb,
    discovery_service_pb2_grpc as discovery_grpc,
    events_service_pb2 as events_pb,
    events_service_pb2_grpc as events_grpc,
    jobs_service_pb2 as jobs_pb,
    jobs_service_pb2_grpc as jobs_grpc,
    match_service_pb2 as match_pb,
    match_service_pb2_grpc as match_grpc,
    profile_service_pb2 as profile_pb,
    profile_service_pb2_grpc as profile_grpc,
    tasks_service_pb2 as tasks_pb,
    tasks_service_pb2_grpc as tasks_grpc,
)
from google.protobuf.field_mask_pb2 import FieldMask  # noqa: E402
from google.protobuf.json_format import MessageToDict  # noqa: E402

LIMIT = 60  # Seconds for one call; streams too.
PACKAGE = "aerie.pipeline.v1."


class Client:
    """One stub for each service."""

    def __init__(self, channel):
        self.discovery = discovery_grpc.DiscoveryServiceStub(channel)
        self.events = events_grpc.EventsServiceStub(channel)
        self.jobs = jobs_grpc.JobsServiceStub(channel)
        self.match = match_grpc.MatchServiceStub(channel)
        self.profile = profile_grpc.ProfileServiceStub(channel)
        self.tasks = tasks_grpc.TasksServiceStub(channel)


def equal(found, wanted, what=""):
    assert found == wanted, f"{what}: {found!r} instead of {wanted!r}"


def refused(code, reason, call, request):
    """Calls, expects this refusal, and returns its message and its wrong fields by name."""
    try:
        call(request, timeout=LIMIT)
    except grpc.RpcError as error:
        equal(error.code(), code, error.details())
        trailers = dict(error.trailing_metadata())
        status = details.Status.FromString(trailers["grpc-status-details-bin"])
        equal((status.code, status.message), (code.value[0], error.details()))
        found = {detail.type_url.rsplit("/", 1)[-1]: detail.value for detail in status.details}
        info = details.ErrorInfo.FromString(found["google.rpc.ErrorInfo"])
        equal((info.reason, info.domain), (reason, "aerie"), error.details())
        bad = details.BadRequest.FromString(found.get("google.rpc.BadRequest", b""))
        return error.details(), {violation.field: violation.description for violation in bad.field_violations}
    raise AssertionError(f"{type(request).__name__} was not refused")


def services_are_reflected(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    own = {
        PACKAGE + name
        for name in (
            "DiscoveryService", "EventsService", "JobsService", "MatchService", "ProfileService", "TasksService"
        )
    }
    assert own <= services, services
    assert {"grpc.health.v1.Health", "aerie.llm.v1.LlmService", "aerie.vision.v1.VisionService"} <= services, services
    file = database.FindFileContainingSymbol(PACKAGE + "JobsService")
    methods = {method.name for service in file.service for method in service.method}
    equal(methods, {method.name for method in jobs_pb.DESCRIPTOR.services_by_name["JobsService"].methods})


def profile_and_sources(client):
    profile = client.profile.GetProfile(profile_pb.GetProfileRequest(), timeout=LIMIT).profile
    equal(profile.full_name, "Ada Example")
    assert "Rust" in profile.skills, profile
    sources = client.discovery.ListSources(discovery_pb.ListSourcesRequest(), timeout=LIMIT).sources
    by_name = {source.name: source for source in sources}
    assert len(by_name) == len(sources) >= 30, len(sources)
    for name in ("greenhouse", "lever", "hackernews"):
        equal((by_name[name].enabled, by_name[name].health.state), (True, "ok"), name)
        assert by_name[name].health.last_count > 0 and by_name[name].health.HasField("last_success_time"), name
    for name in ("linkedin", "indeed", "glassdoor", "ziprecruiter", "theladders"):
        equal((by_name[name].enabled, by_name[name].best_effort), (False, True), name)
    assert by_name["adzuna"].missing_keys, by_name["adzuna"]


def watched(client, run_id):
    """Watches a run to its end; returns its last state."""
    last = None
    request = discovery_pb.WatchRunRequest(run_id=run_id)
    for update in client.discovery.WatchRun(request, timeout=LIMIT):
        equal(update.run.id, run_id)
        if last is not None:
            ended = {source.source for source in last.sources if source.state >= discovery_pb.SOURCE_RUN_STATE_SUCCEEDED}
            now = {source.source for source in update.run.sources if source.state >= discovery_pb.SOURCE_RUN_STATE_SUCCEEDED}
            assert ended <= now, f"sources came back to life: {ended - now}"
        last = update.run
    equal(last.state, discovery_pb.RUN_STATE_COMPLETED, last.error)
    assert len(last.sources) >= 12, [source.source for source in last.sources]
    for source in last.sources:
        equal(source.state, discovery_pb.SOURCE_RUN_STATE_SUCCEEDED, f"{source.source}: {source.reason}")
    return last


def a_run_that_finds_nothing_new(client):
    started = client.discovery.StartRun(discovery_pb.StartRunRequest(), timeout=LIMIT)
    assert started.created
    run = watched(client, started.run.id)
    equal((run.new_postings, run.new_jobs, run.scored_jobs), (0, 0, 0), "what a second run found")
    runs = client.discovery.ListRuns(discovery_pb.ListRunsRequest(page_size=1), timeout=LIMIT)
    equal([entry.id for entry in runs.runs], [run.id])
    older = client.discovery.ListRuns(
        discovery_pb.ListRunsRequest(page_size=1, page_token=runs.next_page_token), timeout=LIMIT
    )
    equal((len(older.runs), older.next_page_token), (1, ""))
    assert older.runs[0].new_postings > 300 and older.runs[0].new_jobs > 100, older.runs[0]
    again = client.discovery.GetRun(discovery_pb.GetRunRequest(run_id=run.id), timeout=LIMIT).run
    equal(again, run)


def a_run_that_finds_jobs(client):
    """A wider search over the same boards: postings are known, jobs are new, and each is scored in the run."""
    known = client.profile.ListSearchProfiles(profile_pb.ListSearchProfilesRequest(), timeout=LIMIT).search_profiles
    wider = profile_pb.SearchProfile()
    wider.CopyFrom(known[0])
    wider.id, wider.name, wider.match_titles, wider.max_age_days = "", "everything", False, 0
    saved = client.profile.SaveSearchProfile(
        profile_pb.SaveSearchProfileRequest(search_profile=wider), timeout=LIMIT
    ).search_profile
    before = client.jobs.CountJobs(jobs_pb.CountJobsRequest(), timeout=LIMIT).total
    request = discovery_pb.StartRunRequest(search_profile_id=saved.id)
    started = client.discovery.StartRun(request, timeout=LIMIT)
    assert started.created
    run = watched(client, started.run.id)
    equal(run.new_postings, 0)
    assert run.new_jobs > 50, run
    # A job whose posting has gained something since it was scored is scored again.
    assert run.scored_jobs >= run.new_jobs, run
    after = client.jobs.CountJobs(jobs_pb.CountJobsRequest(), timeout=LIMIT).total
    equal(after - before, run.new_jobs)


def pages(client, **filters):
    """Every page of a listing."""
    request = jobs_pb.ListJobsRequest(**filters)
    while True:
        page = client.jobs.ListJobs(request, timeout=LIMIT)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def jobs_are_ranked(client):
    """Reads all pages; returns the jobs, best first."""
    total = client.jobs.CountJobs(jobs_pb.CountJobsRequest(), timeout=LIMIT).total
    listed = list(pages(client, page_size=70))
    jobs = [job for page in listed for job in page.jobs]
    equal({page.total_size for page in listed}, {total})
    equal([len(page.jobs) for page in listed[:-1]], [70] * (len(listed) - 1))
    equal(len({job.id for job in jobs}), total, "jobs over all pages")
    scores = [job.score.total for job in jobs]
    equal(scores, sorted(scores, reverse=True), "order")
    for job in jobs:
        assert job.HasField("score") and job.posting.title and job.posting.links, job
        equal(job.posting.description_text, "", "descriptions are left out of lists")
        shares = sum(part.share for part in job.score.parts)
        assert abs(shares - job.score.total) < 0.5, (shares, job.score)
    urls = [job.posting.url for job in jobs]
    equal(len(set(urls)), len(urls), "addresses")

    middle = scores[len(scores) // 2]
    better = [job for page in pages(client, minimum_score=middle, page_size=200) for job in page.jobs]
    equal([job.id for job in better], [job.id for job in jobs if job.score.total >= middle])
    rust = [job for page in pages(client, query="rust", page_size=200) for job in page.jobs]
    assert 0 < len(rust) < total and any("Rust" in job.posting.title for job in rust), len(rust)
    lever = [job for page in pages(client, sources=["lever"], page_size=200) for job in page.jobs]
    assert lever and len(lever) < total, len(lever)
    assert all("lever" in {link.source for link in job.posting.links} | {job.posting.source} for job in lever)
    added = [job for page in pages(client, order_by="create_time desc", page_size=200) for job in page.jobs]
    times = [job.create_time.ToNanoseconds() for job in added]
    equal((len(added), times), (total, sorted(times, reverse=True)))
    token = listed[0].next_page_token
    request = jobs_pb.ListJobsRequest(page_token=token, order_by="update_time desc")
    refused(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", client.jobs.ListJobs, request)
    return jobs


def quotes_are_exact(client, jobs):
    """Every quote of the best, some middle and the last jobs stands where the explanation says."""
    quotes = gaps = 0
    for job in jobs[:25] + jobs[25::20]:
        complete = client.jobs.GetJob(jobs_pb.GetJobRequest(job_id=job.id), timeout=LIMIT).job
        equal((complete.id, complete.posting.title), (job.id, job.posting.title))
        assert complete.posting.links and complete.posting.HasField("first_seen_time"), complete
        explained = client.match.ExplainJob(match_pb.ExplainJobRequest(job_id=job.id), timeout=LIMIT)
        assert abs(explained.score.total - job.score.total) < 0.5, (explained.score.total, job.score.total)
        texts = {
            "title": complete.posting.title.encode(),
            "description": complete.posting.description_text.encode(),
        }
        shown = list(explained.evidence) + [gap.evidence for gap in explained.gaps if gap.HasField("evidence")]
        for evidence in shown:
            if evidence.quote:
                found = texts[evidence.field][evidence.start : evidence.end].decode()
                equal(found, evidence.quote, f"{complete.posting.title}: {evidence.label}")
                quotes += 1
        required = [gap.required for gap in explained.gaps]
        equal(required, sorted(required, reverse=True), "required gaps come first")
        gaps += len(required)
    assert quotes > 100 and gaps > 5, (quotes, gaps)


def decisions(client, job_id):
    """Approve, an illegal move, revert, and notes with a version."""
    approve = jobs_pb.ReviewJobRequest(job_id=job_id, decision=jobs_pb.REVIEW_DECISION_APPROVE)
    job = client.jobs.ReviewJob(approve, timeout=LIMIT).job
    equal(job.status, jobs_pb.JOB_STATUS_APPROVED)
    assert jobs_pb.JOB_STATUS_APPROVED in {stage.status for stage in job.stage_times}, job.stage_times
    hire = jobs_pb.MoveJobRequest(job_id=job_id, status=jobs_pb.JOB_STATUS_HIRED)
    message, _ = refused(grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_MOVE", client.jobs.MoveJob, hire)
    assert all(name in message for name in ("applied", "rejected", "archived")), message
    apply = jobs_pb.MoveJobRequest(job_id=job_id, status=jobs_pb.JOB_STATUS_APPLIED)
    equal(client.jobs.MoveJob(apply, timeout=LIMIT).job.status, jobs_pb.JOB_STATUS_APPLIED)
    revert = jobs_pb.RevertJobRequest(job_id=job_id)
    equal(client.jobs.RevertJob(revert, timeout=LIMIT).job.status, jobs_pb.JOB_STATUS_APPROVED)
    job = client.jobs.RevertJob(revert, timeout=LIMIT).job
    equal(job.status, jobs_pb.JOB_STATUS_PENDING)
    refused(grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_TO_REVERT", client.jobs.RevertJob, revert)

    def noted(notes, etag):
        changed = jobs_pb.Job(id=job_id, notes=notes, etag=etag)
        return jobs_pb.UpdateJobRequest(job=changed, update_mask=FieldMask(paths=["notes"]))

    first = client.jobs.UpdateJob(noted("ask for Kim", job.etag), timeout=LIMIT).job
    equal(first.notes, "ask for Kim")
    assert first.etag != job.etag
    refused(grpc.StatusCode.ABORTED, "JOB_CHANGED", client.jobs.UpdateJob, noted("too late", job.etag))
    kept = client.jobs.GetJob(jobs_pb.GetJobRequest(job_id=job_id), timeout=LIMIT).job
    equal((kept.notes, kept.etag), ("ask for Kim", first.etag))


def read_until(stream, is_last):
    """Messages of a stream up to and with the first that `is_last` accepts; the call is ended after it."""
    messages = []
    for message in stream:
        assert not message.resync, "nothing is old enough to be gone"
        messages.append(message)
        if is_last(message):
            stream.cancel()
            return messages
    raise AssertionError(f"the stream ended after {len(messages)} messages")


def events_are_replayed(client, job_id):
    def subscribe(**request):
        return client.events.Subscribe(events_pb.SubscribeRequest(**request), timeout=LIMIT)

    def of_job(kind):
        return lambda event: (event.kind, event.subject_id) == (kind, job_id)

    whole = read_until(subscribe(after_sequence=0), of_job("job.updated"))
    equal([event.sequence for event in whole], list(range(1, len(whole) + 1)), "sequence")
    kinds = {event.kind for event in whole}
    assert {"job.moved", "job.updated", "jobs.added", "run.updated", "task.completed"} <= kinds, kinds
    moves = [MessageToDict(event.data) for event in whole if of_job("job.moved")(event)]
    ways = [(move["from"], move["to"], move["reverted"]) for move in moves]
    way = [("pending", "approved", False), ("approved", "applied", False)]
    equal(ways, way + [("applied", "approved", True), ("approved", "pending", True)])

    # Away in the middle, and back: nothing missed, nothing twice.
    seen = whole[: len(whole) // 2]
    rest = read_until(subscribe(after_sequence=seen[-1].sequence), of_job("job.updated"))
    equal(seen + rest, whole)
    only = read_until(subscribe(after_sequence=0, kinds=["job."]), of_job("job.updated"))
    equal(only, [event for event in whole if event.kind.startswith("job.")])

    # Live: what happens while one listens, without what was before.
    last = whole[-1].sequence
    live = subscribe(after_sequence=last, kinds=["job."])
    archive = jobs_pb.ReviewJobRequest(job_id=job_id, decision=jobs_pb.REVIEW_DECISION_ARCHIVE)
    client.jobs.ReviewJob(archive, timeout=LIMIT)
    event = read_until(live, of_job("job.moved"))[-1]
    assert event.sequence > last and MessageToDict(event.data)["to"] == "archived", event
    client.jobs.RevertJob(jobs_pb.RevertJobRequest(job_id=job_id), timeout=LIMIT)
    wrong = events_pb.SubscribeRequest(after_sequence=-1)
    refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", lambda *a, **k: list(client.events.Subscribe(*a, **k)), wrong)


def tasks_can_be_steered(client):
    runs = client.tasks.ListTasks(tasks_pb.ListTasksRequest(kind="discovery.run"), timeout=LIMIT).tasks
    equal({task.state for task in runs}, {tasks_pb.TASK_STATE_COMPLETED})
    whole = client.tasks.GetTask(tasks_pb.GetTaskRequest(task_id=runs[-1].id), timeout=LIMIT).task
    equal((whole.kind, whole.progress), ("discovery.run", 1.0))
    assert whole.steps and whole.HasField("result"), whole
    children = client.tasks.ListTasks(tasks_pb.ListTasksRequest(parent_id=whole.id, page_size=5), timeout=LIMIT)
    equal({child.parent_id for child in children.tasks}, {whole.id})
    assert len(children.tasks) == 5 and children.next_page_token, children
    more = client.tasks.ListTasks(
        tasks_pb.ListTasksRequest(parent_id=whole.id, page_token=children.next_page_token), timeout=LIMIT
    )
    assert more.tasks and not {task.id for task in more.tasks} & {task.id for task in children.tasks}

    # Decisions make a delayed task that scores again: there is time to cancel it.
    best = next(iter(pages(client, statuses=[jobs_pb.JOB_STATUS_PENDING]))).jobs[1]
    reject = jobs_pb.ReviewJobRequest(job_id=best.id, decision=jobs_pb.REVIEW_DECISION_REJECT)
    client.jobs.ReviewJob(reject, timeout=LIMIT)
    active = [tasks_pb.TASK_STATE_QUEUED, tasks_pb.TASK_STATE_RUNNING]
    waiting = client.tasks.ListTasks(tasks_pb.ListTasksRequest(kind="match.rescore", states=active), timeout=LIMIT).tasks
    equal(len(waiting), 1)
    cancel = tasks_pb.CancelTaskRequest(task_id=waiting[0].id)
    equal(client.tasks.CancelTask(cancel, timeout=LIMIT).task.state, tasks_pb.TASK_STATE_CANCELLED)
    watched_task = list(client.tasks.WatchTask(tasks_pb.WatchTaskRequest(task_id=waiting[0].id), timeout=LIMIT))
    equal([update.task.state for update in watched_task], [tasks_pb.TASK_STATE_CANCELLED])

    rescore = client.match.RescoreJobs(match_pb.RescoreJobsRequest(), timeout=LIMIT)
    assert rescore.created
    last = list(client.tasks.WatchTask(tasks_pb.WatchTaskRequest(task_id=rescore.task_id), timeout=LIMIT))[-1].task
    equal((last.state, last.progress), (tasks_pb.TASK_STATE_COMPLETED, 1.0), last.error)
    retry = tasks_pb.RetryTaskRequest(task_id=rescore.task_id)
    refused(grpc.StatusCode.FAILED_PRECONDITION, "TASK_NOT_RETRYABLE", client.tasks.RetryTask, retry)
    unknown = tasks_pb.SubmitTaskRequest(kind="shell.run")
    _, fields = refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", client.tasks.SubmitTask, unknown)
    assert "match.rescore" in fields["kind"], fields


def documents_are_imported(client):
    table = (
        "title,company,url,location,description\n"
        "Rust Engineer,Quillmoor Freight,https://careers.quillmoor.example/jobs/17,\"Hamburg, Germany\",Rust and PostgreSQL\n"
        "Data Analyst,Larkspur Mills,https://larkspur.example/open/analyst?utm_source=mail,Leeds,SQL reports\n"
        "No Address,Larkspur Mills,,Leeds,no link at all\n"
    )
    request = discovery_pb.ImportJobsRequest(file_name="found.csv", content=table.encode())
    first = client.discovery.ImportJobs(request, timeout=LIMIT)
    equal((first.format, first.new_jobs, first.known, len(first.job_ids)), ("csv", 2, 0, 2), str(first))
    assert first.problems and "4" in first.problems[0], first.problems
    again = client.discovery.ImportJobs(request, timeout=LIMIT)
    equal((again.new_jobs, again.known, sorted(again.job_ids)), (0, 2, sorted(first.job_ids)))

    posting = {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "title": "Platform Engineer (Kubernetes)",
        "hiringOrganization": {"@type": "Organization", "name": "Osprey Tidewater"},
        "jobLocation": {
            "@type": "Place",
            "address": {"@type": "PostalAddress", "addressLocality": "Rotterdam", "addressCountry": "NL"},
        },
        "baseSalary": {
            "@type": "MonetaryAmount",
            "currency": "EUR",
            "value": {"@type": "QuantitativeValue", "minValue": 82000, "maxValue": 99000, "unitText": "YEAR"},
        },
        "description": "<p>Run Kubernetes and PostgreSQL. </p><script>alert(1)</script>",
    }
    # As sites write it, so that the text does not end the script that it stands in.
    data = json.dumps(posting).replace("</", "<\\/")
    page = f'<html><head><script type="application/ld+json">{data}</script></head><body>…</body></html>'
    url = "https://osprey-tidewater.example/careers/platform"
    request = discovery_pb.ImportJobsRequest(file_name="saved.html", content=page.encode(), url=url)
    saved = client.discovery.ImportJobs(request, timeout=LIMIT)
    equal((saved.format, saved.new_jobs), ("page", 1), str(saved))
    job = client.jobs.GetJob(jobs_pb.GetJobRequest(job_id=saved.job_ids[0]), timeout=LIMIT).job
    equal((job.posting.url, job.posting.company), (url, "Osprey Tidewater"))
    equal((job.posting.salary.minimum, job.posting.salary.maximum), (82000, 99000))
    equal((job.posting.places[0].city, job.posting.places[0].country), ("Rotterdam", "NL"))
    assert job.HasField("score") and "alert" not in job.posting.description_html + job.posting.description_text, job
    nothing = discovery_pb.ImportJobsRequest(file_name="empty.csv")
    _, fields = refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", client.discovery.ImportJobs, nothing)
    assert "content" in fields, fields
    noise = discovery_pb.ImportJobsRequest(file_name="noise.bin", content=bytes(range(256)))
    refused(grpc.StatusCode.INVALID_ARGUMENT, "DOCUMENT_UNREADABLE", client.discovery.ImportJobs, noise)
    return url, job.id


def addresses_are_checked(client, known_url, known_job):
    guarded = "http://127.0.0.1:9/jobs/1"
    urls = ["ftp://example.com/job", "no address", known_url + "?utm_source=mail", guarded]
    results = client.discovery.AddUrls(discovery_pb.AddUrlsRequest(urls=urls), timeout=LIMIT).results
    equal([result.url for result in results], urls)
    for result in results[:2]:
        assert "http" in result.error and not result.task_id and not result.job_id, result
    equal((results[2].job_id, results[2].task_id, results[2].error), (known_job, "", ""))
    request = tasks_pb.WatchTaskRequest(task_id=results[3].task_id)
    task = list(client.tasks.WatchTask(request, timeout=LIMIT))[-1].task
    equal((task.kind, task.state), ("discovery.url", tasks_pb.TASK_STATE_FAILED))
    assert "127.0.0.1" in task.error, task.error
    refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", client.discovery.AddUrls, discovery_pb.AddUrlsRequest())


def mistakes_are_named(client):
    missing = str(uuid.uuid4())
    not_found, invalid = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT
    calls = [
        ("JOB_NOT_FOUND", client.jobs.GetJob, jobs_pb.GetJobRequest(job_id=missing)),
        ("JOB_NOT_FOUND", client.match.ExplainJob, match_pb.ExplainJobRequest(job_id=missing)),
        ("RUN_NOT_FOUND", client.discovery.GetRun, discovery_pb.GetRunRequest(run_id=missing)),
        ("TASK_NOT_FOUND", client.tasks.GetTask, tasks_pb.GetTaskRequest(task_id=missing)),
        ("SEARCH_PROFILE_NOT_FOUND", client.discovery.StartRun, discovery_pb.StartRunRequest(search_profile_id=missing)),
    ]
    for reason, call, request in calls:
        message, _ = refused(not_found, reason, call, request)
        assert missing in message, message
    calls = [
        ("job_id", client.jobs.GetJob, jobs_pb.GetJobRequest(job_id="nope")),
        ("page_size", client.jobs.ListJobs, jobs_pb.ListJobsRequest(page_size=-1)),
        ("order_by", client.jobs.ListJobs, jobs_pb.ListJobsRequest(order_by="luck")),
        ("decision", client.jobs.ReviewJob, jobs_pb.ReviewJobRequest(job_id=missing)),
        ("sources[1]", client.discovery.StartRun, discovery_pb.StartRunRequest(sources=["lever", "nowhere"])),
        ("title", client.match.ScoreText, match_pb.ScoreTextRequest(description="x")),
        ("update_mask", client.jobs.UpdateJob, jobs_pb.UpdateJobRequest(job=jobs_pb.Job(id=missing))),
        ("statuses", client.jobs.PurgeJobs, jobs_pb.PurgeJobsRequest()),
    ]
    for field, call, request in calls:
        _, fields = refused(invalid, "INVALID_FIELD", call, request)
        equal(list(fields), [field], str(fields))
        assert fields[field], fields
    many = jobs_pb.ListJobsRequest(page_size=-1, query="x" * 300_000)
    _, fields = refused(invalid, "INVALID_FIELD", client.jobs.ListJobs, many)
    equal(sorted(fields), ["page_size", "query"], "every wrong field at once")


def main():
    channel = grpc.insecure_channel(ADDRESS)
    grpc.channel_ready_future(channel).result(timeout=LIMIT)
    client = Client(channel)
    begun = time.monotonic()

    def step(name, function, *arguments):
        result = function(*arguments)
        print(f"{time.monotonic() - begun:6.2f} s  {name}", flush=True)
        return result

    step("reflection", services_are_reflected, channel)
    step("profile and sources", profile_and_sources, client)
    step("a run that finds nothing new", a_run_that_finds_nothing_new, client)
    step("a run that finds jobs", a_run_that_finds_jobs, client)
    jobs = step("ranking and pages", jobs_are_ranked, client)
    step("explanations", quotes_are_exact, client, jobs)
    best = jobs[0].id
    step("decisions", decisions, client, best)
    step("events", events_are_replayed, client, best)
    step("tasks", tasks_can_be_steered, client)
    url, job = step("imports", documents_are_imported, client)
    step("addresses", addresses_are_checked, client, url, job)
    step("mistakes", mistakes_are_named, client)
    print("every step held")


if __name__ == "__main__":
    main()
