"""What every section of the settings is: strict about its keys, and with paths beside the settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One section. A misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def beside(self, folder: Path) -> Self:
        """With every relative path read as beside the settings file."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return self.model_copy(update={name: folder / path for name, path in found.items() if isinstance(path, Path)})
