"""The packaging context: packages, their installers, and every move of their status."""

from projections.packaging.projection import Packaging
from projections.packaging.rows import Installer, Package, ProcessHistory

__all__ = ["Installer", "Package", "Packaging", "ProcessHistory"]
