/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Memory for a new domain out of the control domain's. */
#ifndef PAVISE_XL_BALLOON_H
#define PAVISE_XL_BALLOON_H

struct domain_config;
struct xl;
struct xl_conf;

/*
 * Where xl.conf allows it and too little memory is free for @cfg, lowers the
 * control domain's target and waits for the memory. XL_OK also if there's
 * nothing to do; XL_FAIL, printed, if the memory doesn't come.
 */
int balloon_make_room(struct xl *xl, const struct xl_conf *conf, const struct domain_config *cfg);

#endif
