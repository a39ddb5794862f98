#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Linux 6.12 as control domain and as guest, on one processor and on several.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

Guests::boot_test('6.12', $_) for 1, 2;
done_testing;
