"""The prod zone of the Retail Copilot; later releases make its tables."""

from shared.tables.columns import day, real, share, text, whole
from shared.tables.prod import planned

COPILOT = (
    planned(
        "copilot",
        "query_patterns",
        ("pattern",),
        "One row a kind of question: how often it is asked and answered",
        text("pattern", "The question with its names and numbers taken out"),
        whole("questions", "Times asked", kind="BIGINT", unit="questions"),
        share("answered_pct", "Share of them answered"),
        real("seconds_mean", "Mean time to the answer", unit="s"),
        region_free=True,
    ),
    planned(
        "copilot",
        "intent_distribution",
        ("ds", "intent"),
        "One row a day and intent",
        day("ds", "Day, UTC"),
        text("intent", "What was wanted"),
        whole("questions", "Questions of that intent", kind="BIGINT", unit="questions"),
        real("confidence_mean", "Mean confidence of the classifier, 0-1"),
        region_free=True,
    ),
    planned(
        "copilot",
        "conversation_analytics",
        ("ds",),
        "One row a day: conversations and how they went",
        day("ds", "Day, UTC"),
        whole("conversations", "Conversations begun", kind="BIGINT", unit="conversations"),
        real("turns_mean", "Mean questions a conversation", unit="questions"),
        share("liked_pct", "Share of answers with feedback that were liked", null=True),
        region_free=True,
    ),
    planned(
        "copilot",
        "user_behavior",
        ("user_id",),
        "One row a user of the copilot: what they ask",
        text("user_id", "The user"),
        whole("questions", "Questions asked", kind="BIGINT", unit="questions"),
        text("top_intent", "What they ask most", null=True),
        day("last_asked_on", "Day of the last question"),
    ),
)
