# SPDX-License-Identifier: MIT
# Tests, one folder a kind. Each folder describes itself.
include $(wildcard tests/*/build.mk)

# All tests, on a machine with nothing but Debian; `make tests` is the same without
# looking for missing packages. What runs in seconds comes first.
.PHONY: test tests
test: deps
	+$(Q)$(MAKE) --no-print-directory tests

tests: check test-unit
	+$(Q)$(MAKE) --no-print-directory test-isolation
	+$(Q)$(MAKE) --no-print-directory test-system \
		SYSTEM_TESTS='$(filter-out $(ISOLATION_TESTS),$(SYSTEM_TESTS))'
