# SPDX-License-Identifier: MIT
# Tests against other people's programs.
include $(wildcard tests/interop/*/build.mk)
