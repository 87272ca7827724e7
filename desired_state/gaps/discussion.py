"""Comments, inbox items and events that name rows that are gone, and events that end before they start."""

import polars as pl

from desired_state.gaps.frames import AUGMENT, GAP_FILL, nothing
from desired_state.rules.collaboration import clock_second, dangling, ends_early, polymorphic
from desired_state.rules.report import alive
from desired_state.tables.collaboration import COMMENT_MENTIONS, COMMENTS
from reconcile.dataset import KEY, Dataset, conform, natural_key
from reconcile.spec import Profile
from reconcile.state import GapRule

_HOUR, _LAST_SECOND = 3_600, 86_399
_MENTION = "mention"


def re_pointed(dataset: Dataset, table: str, column: str) -> pl.DataFrame:
    """
    Let the rows of *table* whose polymorphic *column* names a row that is gone name one that exists.

    The replaced tool wrote a place in a list where an id belongs, so the number of the lost row counts the rows of its
    table, in the order of their keys and round again.
    """
    kind = polymorphic(table, column)
    lost = dangling(dataset, table, column).select(KEY, column, type=kind.discriminator)
    parts = [nothing(dataset, table).select(KEY, column)]
    for value, target in kind.tables:
        keys = _standing(dataset, target)[KEY].sort()
        of_type = lost.filter(pl.col("type") == value)
        if of_type.height and len(keys):
            number = pl.col(column).str.extract(r"(\d+)$").cast(pl.Int64, strict=False).fill_null(0)
            places = pl.DataFrame({"place": range(len(keys)), "found": keys}, schema_overrides={"place": pl.Int64})
            parts.append(
                of_type.with_columns(place=number % len(keys))
                .join(places, on="place", maintain_order="left")
                .select(KEY, pl.col("found").alias(column))
            )
    return pl.concat(parts)


def _standing(dataset: Dataset, table: str) -> pl.DataFrame:
    """Give the rows of *table* that are not deleted softly, if it knows of that."""
    return alive(dataset, table) if "deleted_at" in dataset[table].columns else dataset[table]


def mentions(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Give the mentions that inbox items tell of and that do not exist: of their user, in comments of others if there are.

    A comment that a rule before this one has moved is left out: until it is written, nothing can name it.
    """
    lost, free = _lost_mentions(dataset), _free_mentions(dataset)
    spare = free.group_by("user_id").agg(spare=pl.len().cast(pl.Int64))
    wanted = lost.join(spare, on="user_id", how="left").with_columns(turn=pl.col("turn") - pl.col("spare").fill_null(0))
    comments = dataset["comments"].filter(pl.col(KEY) == natural_key(COMMENTS)).select(author="user_id", comment=KEY)
    if wanted.filter(pl.col("turn") >= 0).is_empty() or comments.is_empty():
        return nothing(dataset, "comment_mentions")
    taken = dataset["comment_mentions"].select(comment="comment_id", user_id="mentioned_user_id")
    offered = (
        lost.select("user_id")
        .unique()
        .join(comments, how="cross")
        .join(taken, on=["comment", "user_id"], how="anti")
        .sort("user_id", pl.col("author") == pl.col("user_id"), "comment")
        .with_columns(turn=pl.int_range(pl.len()).over("user_id"))
    )
    rows = wanted.join(offered, on=["user_id", "turn"], maintain_order="left").select(
        comment_id="comment", mentioned_user_id="user_id", mentioned_by_user_id="author", created_at="created_at"
    )
    return conform(COMMENT_MENTIONS, rows, step=GAP_FILL)


def _lost_mentions(dataset: Dataset) -> pl.DataFrame:
    """Give the inbox items that tell of a mention that does not exist, with their `turn` among those of their user."""
    lost = dangling(dataset, "inbox_items", "source_id").filter(pl.col("source_type") == _MENTION)
    return lost.sort("user_id", KEY).with_columns(turn=pl.int_range(pl.len()).over("user_id"))


def _free_mentions(dataset: Dataset) -> pl.DataFrame:
    """Give the mentions that no inbox item tells of, with their `turn` among those of their user."""
    used = dataset["inbox_items"].filter(pl.col("source_type") == _MENTION)["source_id"].implode()
    free = dataset["comment_mentions"].filter(~pl.col(KEY).is_in(used)).select(user_id="mentioned_user_id", mention=KEY)
    return free.sort("user_id", "mention").with_columns(turn=pl.int_range(pl.len()).over("user_id"))


def inbox_sources(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let inbox items whose source is gone name a mention of their user, or a task."""
    lost = _lost_mentions(dataset)
    tasks = re_pointed(dataset, "inbox_items", "source_id").join(lost, on=KEY, how="anti")
    told = lost.join(_free_mentions(dataset), on=["user_id", "turn"], maintain_order="left")
    return pl.concat([tasks, told.select(KEY, source_id="mention")])


def event_ends(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let an event that ends before it starts end on the day it starts, by time an hour later."""
    start, end = clock_second("start_time"), clock_second("end_time")
    later = (start + _HOUR).clip(upper_bound=_LAST_SECOND)
    clock = pl.format(
        "{}:{}:{}", *(part.cast(pl.String).str.zfill(2) for part in (later // _HOUR, later % _HOUR // 60, later % 60))
    )
    return (
        alive(dataset, "calendar_events")
        .filter(ends_early().fill_null(value=False))
        .select(
            KEY,
            end_date=pl.max_horizontal("start_date", "end_date"),
            end_time=pl.when(end < start).then(clock).otherwise("end_time"),
        )
    )


def event_subjects(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let an event about a row that is gone be about nothing."""
    none = pl.lit(None, dtype=pl.String)
    return dangling(dataset, "calendar_events", "entity_id").select(KEY, entity_type=none, entity_id=none)


def _targets(table: str, column: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((table, *(target for _, target in polymorphic(table, column).tables))))


RULES = (
    GapRule(
        "comment-target",
        "Comments on rows that are gone are on rows that exist",
        AUGMENT,
        "comments",
        ("commentable_id",),
        _targets("comments", "commentable_id"),
        lambda dataset, _profile: re_pointed(dataset, "comments", "commentable_id"),
        mends=("comment-targets",),
    ),
    GapRule(
        "inbox-mentions",
        "Mentions that inbox items tell of exist",
        GAP_FILL,
        "comment_mentions",
        (),
        (*_targets("inbox_items", "source_id"), "comments"),
        mentions,
    ),
    GapRule(
        "inbox-source",
        "Inbox items come from rows that exist",
        AUGMENT,
        "inbox_items",
        ("source_id",),
        _targets("inbox_items", "source_id"),
        inbox_sources,
        mends=("inbox-sources",),
    ),
    GapRule(
        "inbox-reference",
        "Inbox items are about rows that exist",
        AUGMENT,
        "inbox_items",
        ("reference_id",),
        _targets("inbox_items", "reference_id"),
        lambda dataset, _profile: re_pointed(dataset, "inbox_items", "reference_id"),
        mends=("inbox-references",),
    ),
    GapRule(
        "event-end",
        "Calendar events end no earlier than they start",
        AUGMENT,
        "calendar_events",
        ("end_date", "end_time"),
        ("calendar_events",),
        event_ends,
        mends=("event-ends",),
    ),
    GapRule(
        "event-subject",
        "Calendar events about rows that are gone are about nothing",
        AUGMENT,
        "calendar_events",
        ("entity_type", "entity_id"),
        _targets("calendar_events", "entity_id"),
        event_subjects,
        mends=("event-subjects",),
    ),
)
