"""Writes the project URLs of the package's metadata, from the repository in which a workflow builds it."""

from __future__ import annotations

import os
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


def project_urls(server: str, repository: str) -> dict[str, str]:
    """Return the URLs of a project.

    Args:
        server: The URL of the code host, such as https://github.com.
        repository: The owner and the name of the repository, such as owner/togai.
    """
    if not server or not repository:
        return {}  # built by hand: a copy of the repository has no URL
    home = f"{server}/{repository}"
    owner, _, name = repository.partition("/")
    return {
        "Documentation": f"https://{owner.lower()}.github.io/{name}/",
        "Source": home,
        "Issues": f"{home}/issues",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
    }


class ProjectUrls(MetadataHookInterface):
    """Adds the URLs to the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `urls`, as `[project.urls]` would."""
        metadata["urls"] = project_urls(
            os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
        )
