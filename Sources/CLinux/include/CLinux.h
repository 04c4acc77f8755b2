#ifndef CLINUX_H
#define CLINUX_H

#include "guardian.h"
#include "process_table.h"

#endif
