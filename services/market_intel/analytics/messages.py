"""Messages of what the analytics found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from protos.common.v1 import system_pb2, table_pb2
from protos.market_intel.v1 import analytics_pb2 as pb
from services.market_intel.analytics.concentration import Concentration
from services.market_intel.analytics.drivers import Segment, waterfall
from services.market_intel.analytics.explained import OF_LINES, TITLES, Explained, in_words
from services.market_intel.analytics.headlines import Figure, Finding
from services.market_intel.analytics.selection import Period
from services.market_intel.analytics.significance import TEST
from services.market_intel.analytics.tables import Trends


def direction(found: Trends) -> pb.TrendDirection | None:
    """Return where a series is heading."""
    trend = found.direction
    if trend is None:
        return None
    return pb.TrendDirection(
        direction=trend.direction,
        slope=trend.slope,
        slope_pct=found.slope_pct,
        p_value=trend.p_value,
        is_significant=trend.is_significant,
        test=TEST,
        periods=trend.periods,
        note=trend.note,
    )


def concentration(
    by: str, found: Concentration, period: Period, currencies: Sequence[str], lineage: table_pb2.Lineage
) -> pb.GetConcentrationResponse:
    """Return how concentrated revenue is."""
    return pb.GetConcentrationResponse(
        by=by,
        members=found.members,
        revenue=found.revenue / 100,
        top_20_revenue_pct=found.top_20_revenue_pct,
        members_for_80_pct=found.members_for_80_pct,
        members_for_80_pct_share=found.members_for_80_pct / found.members * 100 if found.members else 0.0,
        gini=found.gini,
        hhi=found.hhi,
        lorenz=[pb.LorenzPoint(members_pct=one, revenue_pct=other) for one, other in found.lorenz],
        currencies=currencies,
        lineage=lineage,
        **named(period),
    )


def named(period: Period, first: str = "from", last: str = "to") -> dict[str, str]:
    """Return first and last day under the names of two fields."""
    return {first: period.first.isoformat(), last: period.last.isoformat()}


def drivers(found: Explained, names: Mapping[str, str], lineage: table_pb2.Lineage) -> pb.GetDriversResponse:
    """Return why a metric changed; `names` has those of categories by id."""
    scale = 100 if found.metric == "revenue" else 1
    bars = zip(found.effects, waterfall(found.total_before, found.effects), strict=True)
    effects = [
        pb.Effect(
            driver=each.driver,
            title=TITLES[each.driver],
            contribution=each.contribution / scale,
            starts_at=start / scale,
            ends_at=end / scale,
            contribution_pct=each.contribution / found.total_before * 100 if found.total_before else None,
            customers=each.customers,
        )
        for each, (start, end) in bars
    ]
    return pb.GetDriversResponse(
        metric=found.metric,
        unit=found.unit,
        total_before=found.total_before / scale,
        total_after=found.total_after / scale,
        change=found.change / scale,
        change_pct=found.change / found.total_before * 100 if found.total_before else None,
        effects=effects,
        segments=[segment(each, scale, names) for each in found.segments],
        summary=in_words(found, names),
        notes=found.notes,
        lineage=lineage,
        **named(found.before, "before_from", "before_to"),
        **named(found.after),
    )


def segment(found: Segment, scale: int, names: Mapping[str, str]) -> pb.SegmentEffect:
    """Return what one segment did."""
    return pb.SegmentEffect(
        dimension=found.dimension,
        segment=found.name,
        segment_name=names.get(found.name, found.name) if found.dimension in OF_LINES else found.name,
        before=found.before / scale,
        after=found.after / scale,
        contribution=found.contribution / scale,
        change_pct=found.contribution / found.before * 100 if found.before else None,
        volume=found.split.volume / scale,
        mix=found.split.mix / scale,
        price=found.split.price / scale,
        fees_and_taxes=found.split.fees / scale,
    )


def tile(figure: Figure) -> system_pb2.Tile:
    """Return one tile."""
    return system_pb2.Tile(
        key=figure.key, title=figure.title, value=figure.value, unit=figure.unit, change_pct=figure.change_pct
    )


def insight(finding: Finding) -> system_pb2.Insight:
    """Return one insight."""
    message = system_pb2.Insight(title=finding.title, score=finding.score)
    message.evidence.update(finding.evidence)
    return message
