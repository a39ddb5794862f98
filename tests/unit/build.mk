# SPDX-License-Identifier: MIT
# Unit tests on the host: cmocka, address and undefined-behaviour sanitizers.
# tests/unit mirrors the tree; `make test-unit` runs all of them.
.PHONY: test-unit

include $(wildcard tests/unit/*/build.mk)
