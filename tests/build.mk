# SPDX-License-Identifier: MIT
# Tests, one folder a kind. Each folder describes itself.
include $(wildcard tests/*/build.mk)

# Everything that runs. The whole system once there is a hypervisor and an xl of
# our own (till then: make test-system HV=debian).
.PHONY: test
test: test-unit test-fuzz $(if $(and $(filter $(BUILD)/pavise,$(ALL)),$(filter $(BUILD)/xl,$(ALL))),test-system)
