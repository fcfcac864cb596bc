"""One person's whole way through the gateway: from a résumé to being hired, with a real mailbox.

Usage: hired.py ADDRESS GENERATED WORLD, where GENERATED is the folder of the generated modules, ADDRESS is host:port of a
gateway whose person has no jobs yet, and WORLD is JSON: {"boards": [...], "mail": {"port", "user", "password",
"certificate"}, "model": whether a model answers}. Ends with 0 when every step held.
"""

import imaplib
import json
import ssl
import sys
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from importlib import import_module

import grpc

ADDRESS, GENERATED, WORLD = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.path.insert(0, GENERATED)

LIMIT = 60  # Seconds for one call; streams too.
MODULES = {
    name: import_module(f"aerie.pipeline.v1.{name}_service_pb2")
    for name in (
        "discovery", "events", "interviews", "jobs", "letters", "mail", "profile", "research", "tasks",
    )
}
RESUME = {
    "basics": {
        "name": "Ada Quill",
        "email": "ada@quill.example",
        "phone": "+44 20 7946 0958",
        "summary": "Builds reliable services in Rust.",
    },
    "work": [
        {
            "name": "Brightmill",
            "position": "Backend Engineer",
            "startDate": "2019-03",
            "highlights": [
                "Moved 12 ledgers to PostgreSQL, which cut the nightly report to 4 minutes",
                "Wrote a parser in Rust",
            ],
        },
        {
            "name": "Oakweave",
            "position": "Developer",
            "startDate": "2015-09",
            "endDate": "2019-02",
            "highlights": ["Kept Linux machines running"],
        },
    ],
    "education": [
        {"institution": "University of Leeds", "studyType": "BSc", "area": "Computer Science", "endDate": "2015-06"}
    ],
    "skills": [{"name": "Engineering", "keywords": ["Rust", "PostgreSQL", "Linux"]}],
}
BY = "home (practice-model)" if WORLD["model"] else "rules"


class Client:
    """Calls a method by the names of its service and itself."""

    def __init__(self, channel):
        self.stubs = {}
        for name in MODULES:
            stubs = import_module(f"aerie.pipeline.v1.{name}_service_pb2_grpc")
            self.stubs[name] = getattr(stubs, f"{name.capitalize()}ServiceStub")(channel)

    def call(self, service, method, **fields):
        request = getattr(MODULES[service], f"{method}Request")(**fields)
        return getattr(self.stubs[service], method)(request, timeout=LIMIT)

    def ended(self, task_id):
        """Watches a task to its end, which is a good one."""
        last = None
        for update in self.call("tasks", "WatchTask", task_id=task_id):
            last = update.task
        equal(MODULES["tasks"].TaskState.Name(last.state), "TASK_STATE_COMPLETED", last)
        return last


def equal(found, wanted, what=""):
    assert found == wanted, f"{what}: {found!r} instead of {wanted!r}"


def status_name(job):
    return MODULES["jobs"].JobStatus.Name(job.status).removeprefix("JOB_STATUS_")


def who_she_is(client):
    """Her résumé is set as a PDF, and read from it again."""
    first = json.dumps(RESUME).encode()
    client.call("profile", "ImportResume", content=first, file_name="resume.json")
    kind = MODULES["letters"].DOCUMENT_KIND_RESUME
    pdf = client.call("letters", "RenderDocument", kind=kind).content
    assert pdf.startswith(b"%PDF-"), pdf[:20]
    resume = client.call("profile", "ImportResume", content=pdf, file_name="ada-quill.pdf").resume
    equal((resume.format, [one.employer.value for one in resume.positions]), ("pdf", ["Brightmill", "Oakweave"]))
    equal((resume.contact.name.value, resume.contact.email.value), ("Ada Quill", "ada@quill.example"))


def what_there_is(client):
    """Discovery finds postings; she chooses one."""
    search = MODULES["profile"].SearchProfile(
        name="everything", titles=["Rust Engineer"], company_boards=WORLD["boards"], results_per_source=1000
    )
    saved = client.call("profile", "SaveSearchProfile", search_profile=search).search_profile
    started = client.call("discovery", "StartRun", search_profile_id=saved.id).run
    run = None
    for update in client.call("discovery", "WatchRun", run_id=started.id):
        run = update.run
    assert run.new_jobs > 300 and run.scored_jobs == run.new_jobs, run
    jobs = client.call("jobs", "ListJobs", page_size=500).jobs
    scores = [job.score.total for job in jobs]
    equal(scores, sorted(scores, reverse=True), "best first")
    job = next(job for job in jobs if job.posting.company)
    approve = MODULES["jobs"].REVIEW_DECISION_APPROVE
    equal(status_name(client.call("jobs", "ReviewJob", job_id=job.id, decision=approve).job), "APPROVED")
    return job


def what_she_sends(client, job):
    """A letter of which every claim is hers, and its PDF."""
    client.ended(client.call("letters", "GenerateLetter", job_id=job.id).task_id)
    letter = client.call("letters", "GetLetter", job_id=job.id).letter
    author = MODULES["letters"].Author.Name(letter.versions[0].author)
    equal((author, list(letter.unsupported)), ("AUTHOR_MODEL" if WORLD["model"] else "AUTHOR_TEMPLATE", []), letter)
    kind = MODULES["letters"].DOCUMENT_KIND_LETTER
    file = client.call("letters", "RenderDocument", kind=kind, job_id=job.id)
    assert file.content.startswith(b"%PDF-") and file.file_name.startswith("Ada-Quill_Letter_"), file.file_name
    move(client, job, "APPLIED")


def move(client, job, status):
    number = MODULES["jobs"].JobStatus.Value(f"JOB_STATUS_{status}")
    equal(status_name(client.call("jobs", "MoveJob", job_id=job.id, status=number).job), status)


def invitation(job):
    """An invitation with a calendar part, from somebody at the employer."""
    title, company = job.posting.title, job.posting.company
    now = datetime.now(timezone.utc)
    begin = (now + timedelta(days=6)).replace(hour=10, minute=30)
    stamp = "%Y%m%dT%H%M00"
    return "\r\n".join([
        f'From: "Ana Weaver ({company})" <ana@talent.example>',
        "To: ada@quill.example",
        f"Subject: Interview invitation: {title} at {company}",
        "Message-ID: <invite@talent.example>",
        f"Date: {format_datetime(now)}",
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=cut",
        "",
        "--cut",
        "Content-Type: text/plain; charset=utf-8",
        "",
        f"Hi Ada,\r\n\r\nThank you for applying for the {title} position at {company}. We would like to invite you to an "
        "interview next week at 10:30. Your interview is confirmed.\r\n\r\nKind regards\r\nAna Weaver\r\n" + company,
        "--cut",
        "Content-Type: text/calendar; method=REQUEST; charset=utf-8",
        "",
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:screen@talent.example\r\nSEQUENCE:0\r\nSUMMARY:Phone screen",
        f"DTSTART;TZID=Europe/London:{begin.strftime(stamp)}",
        f"DTEND;TZID=Europe/London:{(begin + timedelta(minutes=30)).strftime(stamp)}",
        "END:VEVENT\r\nEND:VCALENDAR",
        "--cut--",
        "",
    ])


def what_comes_back(client, job):
    """Her mail is read; what it suggests happens when she says so."""
    mail = WORLD["mail"]
    account = MODULES["mail"].MailAccount(
        host="localhost", port=mail["port"], user=mail["user"], certificates=mail["certificate"]
    )
    client.call("mail", "CreateMailAccount", account=account, password=mail["password"])
    context = ssl.create_default_context(cadata=mail["certificate"])
    with imaplib.IMAP4_SSL("localhost", mail["port"], ssl_context=context) as mailbox:
        # The library takes passwords in ASCII only; a literal takes any.
        answer = f"\0{mail['user']}\0{mail['password']}".encode()
        mailbox.authenticate("PLAIN", lambda _: answer)
        equal(mailbox.append("INBOX", None, None, invitation(job).encode())[0], "OK")
    for task_id in client.call("mail", "SyncMail").task_ids:
        client.ended(task_id)
    is_open = MODULES["mail"].SUGGESTION_STATE_OPEN
    suggestions = client.call("mail", "ListSuggestions", state=is_open, job_id=job.id).suggestions
    equal([status_name(suggestion) for suggestion in suggestions], ["PHONE_SCREEN"])
    equal(status_name(client.call("jobs", "GetJob", job_id=job.id).job), "APPLIED", "a mail moves nothing")
    accepted = client.call("mail", "AcceptSuggestion", suggestion_id=suggestions[0].id)
    equal((status_name(accepted.job), accepted.appointment.time_zone), ("PHONE_SCREEN", "Europe/London"))


def what_she_prepares(client, job):
    """The brief was begun by the move; then an interview is practised."""
    end = time.monotonic() + LIMIT
    for event in client.call("events", "Subscribe", after_sequence=0):
        data = dict(event.data)
        if event.kind == "material.changed" and (data.get("kind"), data.get("state")) == ("research", "ready"):
            break
        assert time.monotonic() < end
    brief = client.call("research", "GetResearch", job_id=job.id).research
    equal((brief.written_by, brief.has_web_sources), (BY, False))
    started = client.call("research", "StartMockInterview", job_id=job.id, question_count=1)
    client.ended(started.task_id)
    answer = "When the report was slow at Brightmill, I moved 12 ledgers to PostgreSQL; it took 4 minutes in the end."
    interview_id = started.interview.id
    client.ended(client.call("research", "AnswerMockInterview", interview_id=interview_id, answer=answer).task_id)
    interview = client.call("research", "GetMockInterview", interview_id=interview_id).interview
    assert interview.finished and interview.score >= 1 and interview.summary, interview
    equal(interview.turns[0].written_by, BY)


def how_it_ends(client, job):
    """Hired, on the board and in every count."""
    for status in ("INTERVIEWING", "OFFER", "HIRED"):
        move(client, job, status)
    columns = client.call("interviews", "GetBoard").columns
    hired = [[card.job.id for card in column.cards] for column in columns if status_name(column) == "HIRED"]
    equal(hired, [[job.id]])


def main():
    options = [("grpc.max_receive_message_length", 64 << 20)]
    with grpc.insecure_channel(ADDRESS, options=options) as channel:
        client = Client(channel)
        who_she_is(client)
        job = what_there_is(client)
        for step in (what_she_sends, what_comes_back, what_she_prepares, how_it_ends):
            step(client, job)
            print(f"{step.__name__.replace('_', ' ')}: yes", flush=True)


main()
