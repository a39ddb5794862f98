# SPDX-License-Identifier: MIT
# Fuzzers, one folder a subject.
include $(wildcard tests/fuzz/*/build.mk)
