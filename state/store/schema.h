// What a state file must look like: recognised, made, brought up to date, checked. The tables
// themselves are in schema.sql.
#pragma once

#include "state/store/sqlite.h"

namespace cvm {

constexpr int schema_version = 3;

// The version of the file, 0 if there is nothing in it yet. Throws ConfigError if it is none of
// ours or newer than this program, DatabaseError or ConfigError if it is damaged. Changes nothing.
int examine(Database& database);

// A file of an older version stays beside the new one as PATH.v1. Not inside a savepoint.
void keep_copy(Database& database, int version);

// Makes the tables, or changes those of an older version.
void make_current(Database& database, int version);

// Every table is there; and, in a file that can be read in a moment, every document that is spliced
// unread into answers. Those of a large file are checked one by one when they are read. Throws
// ConfigError.
void check_contents(Database& database);

}  // namespace cvm
