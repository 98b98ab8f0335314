"""How it is kept: all repositories over one table."""

from collections.abc import Callable, Sequence

from crm.store.audit import AuditRepository
from crm.store.campaigns import CampaignRepository
from crm.store.chunks import ChunkRepository
from crm.store.copies import CopyRepository
from crm.store.done_parts import DonePartRepository
from crm.store.duplicates import DuplicateRepository
from crm.store.email_handover import EmailHandover
from crm.store.email_lists import EmailLists
from crm.store.emails import EmailRepository
from crm.store.erasures import ErasureRepository
from crm.store.event_drafts import DraftRepository
from crm.store.event_handover import EventHandover
from crm.store.event_log import EventLogRepository
from crm.store.events import EventRepository
from crm.store.feeds import FeedRepository
from crm.store.hits import HitRepository
from crm.store.imports import ImportRepository
from crm.store.jobs import JobRepository
from crm.store.leavers import LeaverRepository
from crm.store.log import LogRepository
from crm.store.mail_settings import MailSettingsRepository
from crm.store.named_domains import NamedDomains
from crm.store.pace import PaceRepository
from crm.store.people import PeopleRepository
from crm.store.people_merge import MergeRepository
from crm.store.repeats import RepeatRepository
from crm.store.segments import SegmentRepository
from crm.store.selections import SelectionRepository
from crm.store.stats import StatsRepository
from crm.store.suppression import SuppressionRepository
from crm.store.table import Table
from crm.store.tasks import TaskRepository
from crm.store.templates import TemplateRepository
from crm.store.tokens import TokenSigner
from crm.store.traces import TraceRepository
from crm.store.workers import WorkerRepository


class Store:
    """The repositories. `hashes` gives the suppression hashes of an address, current key first; `page_key` signs page tokens,
    of `old_page_keys` they are still read."""

    def __init__(
        self,
        table: Table,
        *,
        hashes: Callable[[str], tuple[str, ...]],
        page_key: bytes,
        old_page_keys: Sequence[bytes] = (),
    ) -> None:
        signer = TokenSigner(page_key, *old_page_keys)
        self.table = table
        self.stats = StatsRepository(table)
        self.suppressions = SuppressionRepository(table, hashes)
        self.people = PeopleRepository(table, self.stats, self.suppressions, signer)
        self.events = EventRepository(table, self.stats, signer)
        self.drafts = DraftRepository(table, signer)
        self.event_log = EventLogRepository(table)
        self.feeds = FeedRepository(table)
        self.jobs = JobRepository(table)
        self.workers = WorkerRepository(table)
        self.campaigns = CampaignRepository(table, self.stats, signer)
        self.chunks = ChunkRepository(table)
        self.emails = EmailRepository(table, self.stats, signer)
        self.hits = HitRepository(table)
        self.leavers = LeaverRepository(table)
        self.named_domains = NamedDomains(table)
        self.email_lists = EmailLists(table, self.stats, signer)
        self.pace = PaceRepository(table)
        self.log = LogRepository(table)
        self.duplicates = DuplicateRepository(table)
        self.merges = MergeRepository(table, self.stats, self.suppressions, self.log)
        self.event_handover = EventHandover(table, self.stats, self.events)
        self.email_handover = EmailHandover(table)
        self.selections = SelectionRepository(table)
        self.traces = TraceRepository(table)
        self.imports = ImportRepository(table)
        self.tasks = TaskRepository(table)
        self.segments = SegmentRepository(table, signer)
        self.erasures = ErasureRepository(table, signer)
        self.mail_settings = MailSettingsRepository(table)
        self.copies = CopyRepository(table)
        self.templates = TemplateRepository(table)
        self.audit = AuditRepository(table, signer)
        self.repeats = RepeatRepository(table, page_key, *old_page_keys)
        self.done_parts = DonePartRepository(table)
