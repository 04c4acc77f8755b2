#ifndef CLINUX_H
#define CLINUX_H

#include "event_loop.h"
#include "guardian.h"
#include "process_table.h"

#endif
