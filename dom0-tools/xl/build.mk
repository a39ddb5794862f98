# SPDX-License-Identifier: MIT
# xl: the command line. The scanner and parser of xl.cfg are made by flex and
# bison under build/. Packages: flex, bison, libyajl-dev, libxml2-dev, uuid-dev.
XL_DIR          := dom0-tools/xl
XL_GEN          := $(BUILD)/gen/$(XL_DIR)
XL_SRCS         := $(wildcard $(XL_DIR)/*.c)
XL_GEN_SRCS     := $(XL_GEN)/cfg_parse.tab.c $(XL_GEN)/cfg_scan.c
XL_LIBS         := $(BUILD)/lib/libdomain.a $(BUILD)/lib/libhv.a $(BUILD)/lib/libxsclient.a
XL_LDLIBS       := -lyajl -luuid

CFLAGS-$(XL_DIR) := -I$(XL_GEN) -isystem /usr/include/libxml2 -DXL_VERSION='"$(VERSION)"'
# What flex makes has a loop that compares int with size_t.
CFLAGS-$(XL_GEN) := $(CFLAGS-$(XL_DIR)) -Wno-sign-compare -Wno-unused-function

$(XL_GEN)/cfg_parse.tab.c: $(XL_DIR)/cfg_parse.y
	@mkdir -p $(@D)
	$(Q)echo "  BISON   $<"
	$(Q)$(BISON) -Wall -Werror -Wno-yacc -o $@ --header=$(@:.c=.h) $<

$(XL_GEN)/cfg_parse.tab.h: $(XL_GEN)/cfg_parse.tab.c

$(XL_GEN)/cfg_scan.c: $(XL_DIR)/cfg_scan.l $(XL_GEN)/cfg_parse.tab.h
	@mkdir -p $(@D)
	$(Q)echo "  FLEX    $<"
	$(Q)$(FLEX) -o $@ $<

$(BUILD)/obj/$(XL_DIR)/cfg_ast.o $(BUILD)/san/$(XL_DIR)/cfg_ast.o: $(XL_GEN)/cfg_parse.tab.h

XL_OBJS         := $(XL_SRCS:%.c=$(BUILD)/obj/%.o) $(XL_GEN_SRCS:%.c=$(BUILD)/obj/%.o)

$(BUILD)/xl: $(XL_OBJS) $(XL_LIBS)
	$(Q)echo "  LD      $@"
	$(Q)$(CC) $(TOOLS_CFLAGS) $(LDFLAGS) -o $@ $^ $(XL_LDLIBS) $(LIBDOMAIN_LDLIBS)

ALL += $(BUILD)/xl
