"""Result -> files: tables, workbooks, geodata, the manifest; which of them make a folder says `publishing`."""

from __future__ import annotations

from withinreach.exports.folders import whole_folder
from withinreach.exports.layers import layer_path, write_layer
from withinreach.exports.manifest import manifest_of, write_manifest

__all__ = ["layer_path", "manifest_of", "whole_folder", "write_layer", "write_manifest"]
