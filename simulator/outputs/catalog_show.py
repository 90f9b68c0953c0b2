"""What an event maps to, for people and for programs."""

import json

from simulator.cloudtrail.actions import Explanation
from simulator.outputs.safe_text import safe_text


def as_json(explanation: Explanation) -> str:
    """One JSON object; `skipped` and `unmapped` are reasons or null, and with either there are no actions."""
    answer = {
        "event_source": explanation.event_source,
        "event_name": explanation.event_name,
        "actions": [
            {"action": check.action, "tier": check.tier.value, "source": check.source} for check in explanation.actions
        ],
        "skipped": explanation.skipped,
        "unmapped": explanation.unmapped,
    }
    return json.dumps(answer, indent=2) + "\n"


def terminal(explanation: Explanation, sentence: str | None) -> str:
    """One line per action, its source below it; `sentence` says what the reason for skipping means."""
    event = safe_text(f"{explanation.event_source} {explanation.event_name}")
    if explanation.skipped is not None:
        return f"{event}: skipped, {explanation.skipped}\n" + (f"  {sentence}\n" if sentence else "")
    if explanation.unmapped is not None:
        return f"{event}: unmapped, {safe_text(explanation.unmapped)}\n"
    lines = [event]
    width = max((len(check.action) for check in explanation.actions), default=0)
    for check in explanation.actions:
        lines += [f"  {check.action:<{width}}  {check.tier.value}", f"    {check.source}"]
    return "\n".join(lines) + "\n"
