"""Write the golden files anew.

Allowed until the first tagged release, with a line in the changelog; afterwards another value in them needs
another rule set.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from chaosnet.model.genesis_json import format_genesis
from tests.attacks import test_cases, test_chain
from tests.attacks.running import everything
from tests.golden import test_contracts, test_gas, test_genesis, test_js_client


def main() -> None:
    """Write all of them."""
    folder = test_genesis.FOLDER
    for kind, genesis in test_genesis.GENESES.items():
        (folder / f"{kind}.json").write_text(format_genesis(genesis))
    values = {kind: test_genesis.identities(genesis) for kind, genesis in test_genesis.GENESES.items()}
    values["first_block"] = test_genesis.first_block()
    (folder / "expected.json").write_text(json.dumps(values, indent=2) + "\n")
    test_contracts.FILE.write_text(json.dumps(test_contracts.block(), indent=2) + "\n")
    for file, found in (
        (test_gas.FILE, test_gas.block()),
        (test_cases.FILE, everything()),
        (test_chain.FILE, test_chain.block()),
        (test_js_client.FILE, test_js_client.block()),
    ):
        file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
