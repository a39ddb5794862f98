# SPDX-License-Identifier: MIT
# The control domain's tools. Each folder describes itself.
include $(wildcard dom0-tools/*/build.mk)
