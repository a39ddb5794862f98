#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# `make demo` with what the environment says.

use strict;
use warnings;
use Test::More tests => 1;

$ENV{NAME} = 'demo-test';
my $out = qx(tests/lib/demo 2>&1);
is($?, 0, 'the demo goes through') or diag($out);
note($out);
