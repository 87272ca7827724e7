"""Comments on orders, clients, batches and invoices in turn, and whom they mention."""

import polars as pl

from desired_state import dates, desk, remarks
from desired_state.blocks import expand
from desired_state.tables.collaboration import COMMENT_MENTIONS, COMMENTS
from desired_state.trade import Trade
from reconcile.dataset import conform, key_text, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

_RESOLVED_CYCLE = 4
_DAYS_TO_COMMENT, _DAYS_TO_RESOLVE, _DAYS_OF_NEWS = 10, 5, 120


def mention_counts() -> pl.Expr:
    """How many comments of a block mention somebody: a third of its inbox items tells of mentions."""
    return (pl.col("inbox_items_count") + 2) // 3


def comment_plan(profile: Profile, trade: Trade, users: pl.DataFrame) -> pl.DataFrame:
    """
    Give every comment with block, row commented on, people, days and seconds, its `key` and its `content`.

    Each is about another row, and written when that row was in the state that the words are about. A quarter is
    resolved on a later day, if there was one yet. `mention` counts from 0 in a block those that call a colleague.
    """
    draw = Draw(profile.seed, "comments")
    today = dates.number(profile.as_of)
    about = remarks.about(trade, today)
    frame = _places(trade.blocks).join(about, on=["block", "type", "place"], how="left", maintain_order="left")
    frame = with_hash(frame.with_columns(about=key_text([pl.col("type"), pl.col("subject")])), "about")
    return _worded(_timed(_peopled(frame, draw), draw, today), draw, users)


def _places(blocks: pl.DataFrame) -> pl.DataFrame:
    """Choose what each comment is about: the types take turns, and the rows of a type are spread evenly."""
    types = len(remarks.TYPES)
    turn = pl.col("index") % types
    of_type = (pl.col("comments_count") + types - 1 - turn) // types
    frame = expand(blocks, "comments").with_columns(type=pick(turn, remarks.TYPES))
    frame = frame.with_columns(
        size=pl.coalesce(pl.when(pl.col("type") == kind).then(size) for kind, size in remarks.SIZES.items())
    )
    called = expand(blocks.with_columns(mentions_count=mention_counts(), mentions_first=pl.lit(0)), "mentions").select(
        "block",
        mention="index",
        # The shift by mention % types takes mentions to all types.
        index=pl.col("index") * pl.col("comments_count") // pl.col("mentions_count") + pl.col("index") % types,
    )
    return frame.select("block", "index", "type", place=pl.col("index") // types * pl.col("size") // of_type).join(
        called, on=["block", "index"], how="left", maintain_order="left"
    )


def _peopled(frame: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    author = desk.member(draw, "user_id")
    called = pl.when(pl.col("mention").is_not_null()).then(desk.colleague(draw, "mentioned", author))
    resolver = pl.coalesce(called, desk.colleague(draw, "resolved_by", author))
    return frame.with_columns(user=desk.user(author), called=desk.user(called), resolver=desk.user(resolver))


def _timed(frame: pl.DataFrame, draw: Draw, today: int) -> pl.DataFrame:
    soon = pl.min_horizontal(pl.col("since_day") + draw.integer("created_at", 0, _DAYS_TO_COMMENT), today - 1)
    news = pl.lit(today, dtype=pl.Int64) - draw.integer("created_at.news", 1, _DAYS_OF_NEWS)
    day = dates.to_workday_before(pl.when(pl.col("type") == "client").then(news).otherwise(soon))
    frame = frame.with_columns(day=pl.max_horizontal("since_day", day))
    is_chosen = (pl.col("index") // len(remarks.TYPES) + pl.col("index")) % _RESOLVED_CYCLE == 0
    resolved_day = dates.to_workday_after(pl.col("day") + draw.integer("resolved_at", 1, _DAYS_TO_RESOLVE))
    return frame.with_columns(
        second=pl.when(pl.col("day") > pl.col("since_day"))
        .then(desk.office_second(draw, "created_at.second"))
        .otherwise(desk.evening_second(draw, "created_at.second")),
        resolved_day=pl.when(is_chosen & (resolved_day < today)).then(resolved_day),
        resolved_second=desk.office_second(draw, "resolved_at.second"),
    )


def _worded(frame: pl.DataFrame, draw: Draw, users: pl.DataFrame) -> pl.DataFrame:
    call = remarks.call(draw, "content.call", desk.name(users, pl.col("called")))
    return frame.with_columns(
        key=key_text([pl.col("type"), pl.col("subject"), pl.col("user")]),
        content=pl.concat_str(remarks.remark(draw, "content"), call, separator=" ", ignore_nulls=True),
    )


def comments(plan: pl.DataFrame) -> pl.DataFrame:
    """Give the comments table."""
    created = dates.as_moment(pl.col("day"), pl.col("second"))
    resolved = dates.as_moment(pl.col("resolved_day"), pl.col("resolved_second"))
    is_resolved = pl.col("resolved_day").is_not_null()
    return conform(
        COMMENTS,
        plan.select(
            "content",
            commentable_type="type",
            commentable_id="subject",
            user_id="user",
            is_resolved=is_resolved,
            resolved_at=resolved,
            resolved_by=pl.when(is_resolved).then("resolver"),
            created_at=created,
            updated_at=pl.coalesce(resolved, created),
        ),
    )


def mentions(plan: pl.DataFrame) -> pl.DataFrame:
    """Give the comment_mentions table."""
    return conform(
        COMMENT_MENTIONS,
        plan.filter(pl.col("mention").is_not_null()).select(
            comment_id="key",
            mentioned_user_id="called",
            mentioned_by_user_id="user",
            created_at=dates.as_moment(pl.col("day"), pl.col("second")),
        ),
    )
