// Behaviour as text. A script holds one step a line (JSON may go on over several):
//
//   # a comment
//   options {"rate_limits": true}         before the first step; see script.cpp
//   given instance $id                    a running one, of the default type
//   given instances $a $b STOPPED {"InstanceType": "S5.MEDIUM2"}
//   as <label>                            the account AKIDEXAMPLE-<label> from here on
//   region <id>
//   language zh-CN
//   call <Action> {params}                  a refusal must be expected by the next step
//   => {subset of the response}           what the last call answered
//   => error <Code> [part of the message]
//   raw <Action> {params}                   with faults that no client could read; its answer is
//                                         {"status","content_type","body","delivery","delay_ms"}
//   advance 3s | 200ms | 5m | 2h | 30d    simulated time
//   pass 1s                               wall time
//   restart [{"fixtures": {…}}]           kill the server, start it with the same file
//   admin <METHOD> <path> [{body}]
//   => {…} | status <n> [part of the message]
//
// What a script starts from is `given`, by real calls and time. The params are merged over those of
// the kind (given.cpp), null removes one. There is one call for each name, or fewer if a call
// answers with several ids ({"InstanceCount": 2}). Lines in a row come to rest together, second by
// second, before the next other step, or before a line whose params name one of them. With the
// state that it is made in (PENDING) a line lets no time pass.
//
// "fixtures" are files of that folder, {"images.json": {…}}, merged over the built-in ones.
//
// In expectations "$name" takes any value the first time and the same one afterwards, "$_" takes
// any value, "$absent" no value. In params and admin paths "$name" stands for the value taken, and
// "$repeat 100 ab" for a text of that many pieces.
// Lists match whole, objects may have more members.
#pragma once

#include <string>
#include <vector>

namespace cvm::test {

struct ScriptStep {
  int line = 0;
  std::string verb, rest;
};

// Without the comments.
std::vector<ScriptStep> read_steps(const std::string& path);

// Runs the file; failures are gtest failures that name file and line.
void run_script(const std::string& path);

}  // namespace cvm::test
