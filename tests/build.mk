# SPDX-License-Identifier: MIT
# Tests, one folder a kind. Each folder describes itself.
include $(wildcard tests/*/build.mk)
