// Behaviour as text. A script holds one step a line (JSON may go on over several):
//
//   # a comment
//   options {"rate_limits": true}         before the first step; see script.cpp
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
//   restart                               kill the server, start it with the same file
//   admin <METHOD> <path> [{body}]
//   => {…} | status <n> [part of the message]
//
// In expectations "$name" takes any value the first time and the same one afterwards, "$_" takes
// any value, "$absent" no value. In params and admin paths "$name" stands for the value taken.
// Lists match whole, objects may have more members.
#pragma once

#include <string>
#include <vector>

namespace cvm::test {

struct ScenarioStep {
  int line = 0;
  std::string verb, rest;
};

// Without the comments.
std::vector<ScenarioStep> read_steps(const std::string& path);

// Runs the file; failures are gtest failures that name file and line.
void run_script(const std::string& path);

}  // namespace cvm::test
