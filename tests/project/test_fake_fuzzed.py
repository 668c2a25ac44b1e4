"""The fake on its socket, with requests that a fuzzer creates from openapi.yaml."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from togai.testing import FakeTogai

# What a contract cannot say of a request that fits its schemas: a page token must be one that the service gave, page
# sizes start at 1, an account is needed, and only some filters go together. All else that fits must be taken.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 422]
"""


def described(root: Path) -> dict[str, Any]:
    """The contract, with what the fake returns to background calls: nobody describes that."""
    contract: dict[str, Any] = yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))
    response = contract["components"]["schemas"]["EventsCorrectionResponse"]
    del response["required"]
    response["properties"]["message"] = {"type": "string"}
    return contract


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fuzzer_finds_nothing(root: Path, tmp_path: Path, seed: int) -> None:
    (tmp_path / "contract.json").write_text(json.dumps(described(root)))
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    fake = FakeTogai()
    fake.add_many(60)
    with fake.serve() as url:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "run",
                "contract.json",
                f"--url={url}",
                f"--header=Authorization: Bearer {fake.token}",
                "--checks=all",
                f"--seed={seed}",
                "--max-examples=200",
                "--continue-on-failure",
                "--request-timeout=10",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(fake.requests) > 1000
    assert {"GET", "POST"} <= {request.method for request in fake.requests}
