/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Where the program starts. */
#include "dom0-tools/xl/xl.h"

int main(int argc, char **argv)
{
	struct xl xl = {.out = stdout, .err = stderr};

	return xl_main(&xl, argc, argv);
}
