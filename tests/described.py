"""What schemathesis may expect of our listeners."""

import schemathesis

REFUSALS = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
"""Those that it expects by itself, and 413 for a batch of too many."""

CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": [*map(str, REFUSALS), "5xx"]}}}
)
