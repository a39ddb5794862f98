/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The commands' handlers, for the table only. See xl.h for the contract. */
#ifndef PAVISE_XL_HANDLERS_H
#define PAVISE_XL_HANDLERS_H

struct xl;

int cmd_block_attach(struct xl *xl, int argc, char **argv);
int cmd_block_detach(struct xl *xl, int argc, char **argv);
int cmd_block_list(struct xl *xl, int argc, char **argv);
int cmd_claims(struct xl *xl, int argc, char **argv);
int cmd_completion(struct xl *xl, int argc, char **argv);
int cmd_config_update(struct xl *xl, int argc, char **argv);
int cmd_console(struct xl *xl, int argc, char **argv);
int cmd_create(struct xl *xl, int argc, char **argv);
int cmd_debug_keys(struct xl *xl, int argc, char **argv);
int cmd_destroy(struct xl *xl, int argc, char **argv);
int cmd_dmesg(struct xl *xl, int argc, char **argv);
int cmd_domid(struct xl *xl, int argc, char **argv);
int cmd_domname(struct xl *xl, int argc, char **argv);
int cmd_domxml_export(struct xl *xl, int argc, char **argv);
int cmd_dump_core(struct xl *xl, int argc, char **argv);
int cmd_help(struct xl *xl, int argc, char **argv);
int cmd_info(struct xl *xl, int argc, char **argv);
int cmd_list(struct xl *xl, int argc, char **argv);
int cmd_mem_max(struct xl *xl, int argc, char **argv);
int cmd_mem_set(struct xl *xl, int argc, char **argv);
int cmd_network_attach(struct xl *xl, int argc, char **argv);
int cmd_network_detach(struct xl *xl, int argc, char **argv);
int cmd_network_list(struct xl *xl, int argc, char **argv);
int cmd_pause(struct xl *xl, int argc, char **argv);
int cmd_reboot(struct xl *xl, int argc, char **argv);
int cmd_rename(struct xl *xl, int argc, char **argv);
int cmd_sched_credit(struct xl *xl, int argc, char **argv);
int cmd_shutdown(struct xl *xl, int argc, char **argv);
int cmd_sysrq(struct xl *xl, int argc, char **argv);
int cmd_unpause(struct xl *xl, int argc, char **argv);
int cmd_uptime(struct xl *xl, int argc, char **argv);
int cmd_vcpu_list(struct xl *xl, int argc, char **argv);
int cmd_vcpu_pin(struct xl *xl, int argc, char **argv);
int cmd_vcpu_set(struct xl *xl, int argc, char **argv);
int cmd_version(struct xl *xl, int argc, char **argv);
int cmd_vm_list(struct xl *xl, int argc, char **argv);

#endif
