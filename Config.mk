# SPDX-License-Identifier: MIT
# The one place for knobs. Every value can be overridden: make CC=clang V=1

VERSION         := 0.1

# Tools
CC              ?= gcc
ifeq ($(origin CC),default)
CC              := gcc
endif
HOSTCC          ?= $(CC)
CLANG           ?= clang
AR              ?= ar
LD              ?= ld
NM              ?= nm
OBJCOPY         ?= objcopy
FLEX            ?= flex
BISON           ?= bison
QEMU            ?= qemu-system-x86_64

# The machine that QEMU emulates
SMP             ?= 2
MEM             ?= 3072
# All that it can do; for Debian's Xen all but SMAP (docs/caveats.md).
CPU             ?= $(if $(filter debian,$(HV)),max$(comma)-smap,max)
comma           := ,
# Added to the hypervisor's command line
HV_ARGS         ?=
# How often `make compare` runs each of the two
RUNS            ?= 3

# Where things go
BUILD           ?= build
PREFIX          ?= /usr/local

# Debug builds check every lock, reference count and frame type as they go.
DEBUG           ?= y
# Recount everything after each domain's death (as the boot option `audit` does).
AUDIT           ?= n
# Count which parts of the hypervisor are executed (debug key C; make coverage-machine).
COVERAGE        ?= n

# V=1 shows whole command lines.
V               ?= 0
ifeq ($(V),1)
Q               :=
else
Q               := @
endif

WARNINGS        := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
                   -Wpointer-arith -Wundef -Wvla -Wwrite-strings -Wno-unused-parameter

# Where the source lay isn't in what is built.
PATH_FLAGS      := -ffile-prefix-map=$(CURDIR)=.

# Programs that run on Linux (the tools, the store, the host tests).
TOOLS_CFLAGS    := -std=gnu11 -O2 -g $(WARNINGS) -D_GNU_SOURCE -fstack-protector-strong \
                   -Wno-missing-field-initializers $(PATH_FLAGS)
TOOLS_CPPFLAGS  := -I. -Ihypervisor/include
SAN_CFLAGS      := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
                   -fno-omit-frame-pointer -O1
