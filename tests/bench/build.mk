# SPDX-License-Identifier: MIT
# Measurements. Each folder has its own targets.
include $(wildcard tests/bench/*/build.mk)
