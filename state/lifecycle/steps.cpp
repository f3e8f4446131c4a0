// Reads the table of steps and changes their delays.
#include "state/lifecycle/steps.h"

#include <algorithm>
#include <cmath>

#include "state/base/fields.h"
#include "state/base/parse_json.h"

namespace cvm {

namespace {

// Reads {"delay_s": n, "jitter_s": n} into a step.
void set_delay(Step& step, const Json& delay) {
  const auto seconds = [&](const char* name, double otherwise) {
    const auto found = delay.find(name);
    if (found == delay.end()) return otherwise;
    if (!found->is_number() || found->get<double>() < 0 || found->get<double>() > delay_max_s) {
      throw ConfigError{"lifecycle: " + step.name + ": `" + name +
                        "` must be a number of seconds from 0 to ten years"};
    }
    return found->get<double>();
  };
  only(delay, {"delay_s", "jitter_s"}, "lifecycle: " + step.name + ": ");
  const auto milliseconds = [](double s) { return Milliseconds{std::llround(s * 1000)}; };
  step.delay = milliseconds(seconds("delay_s", static_cast<double>(step.delay.count()) / 1000));
  step.jitter = milliseconds(seconds("jitter_s", static_cast<double>(step.jitter.count()) / 1000));
}

// The rarer members of a step: what timers need.
void read_timing(Step& step, const Json& fact) {
  step.timer_action = fact.value("timer_action", "");
  step.quiet = fact.value("quiet", false);
  step.cancels = fact.value("cancels", std::vector<std::string>{});
  if (const auto timer = fact.find("timer"); timer != fact.end()) {
    step.timer = timer->at("step").get<std::string>();
    step.timer_at = timer->at("at").get<std::string>();
    step.timer_months = timer->value("add_months", 0);
  }
  if (const auto instead = fact.find("instead"); instead != fact.end()) {
    step.instead = instead->at("step").get<std::string>();
    step.instead_if = instead->at("if");
  }
  if (const auto then = fact.find("then"); then != fact.end()) {
    step.then = then->at("step").get<std::string>();
    step.then_after = std::chrono::days{then->at("after_days").get<int>()};
  }
}

}  // namespace

bool Step::gives_way(const Json& doc) const {
  return !instead.empty() &&
         std::all_of(instead_if.items().begin(), instead_if.items().end(), [&](const auto& item) {
           return doc.value(item.key(), Json()) == item.value();
         });
}

Steps::Steps(const Fixtures& fixtures, const std::string& speed) {
  const bool named = speed == "instant" || speed == "fast" || speed == "realistic";
  const Json facts = fixtures.load("lifecycle.json");
  for (const auto& [name, fact] : facts.items()) {
    Step step;
    step.name = name;
    try {
      step.from = fact.value("from", std::vector<std::string>{});
      step.via = fact.value("via", "");
      step.via_from = fact.value("via_from", std::vector<std::string>{});
      step.to = fact.value("to", "");
      step.failed = fact.value("failed", "");
      step.failed_sets = fact.value("failed_sets", Json::object());
      step.erases = fact.value("erases", false);
      step.sets = fact.value("sets", Json::object());
      read_timing(step, fact);
      if (speed != "instant" && !step.quiet) set_delay(step, fact.at(named ? speed : "fast"));
    } catch (const Json::exception& problem) {
      throw ConfigError{"fixtures: lifecycle.json: " + name + ": " + problem.what()};
    }
    steps_.emplace(name, std::move(step));
  }
  if (named) return;
  const auto file = read_file(speed);
  if (!file) {
    throw ConfigError{"lifecycle: `" + speed +
                      "` is none of instant, fast, realistic, and no file that can be read"};
  }
  const ParsedJson parsed = parse_json(*file, file_limits);
  if (!parsed.problem.empty()) throw ConfigError{"lifecycle: " + speed + ": it " + parsed.problem};
  try {
    change(parsed.value);
  } catch (const Json::exception& problem) {
    throw ConfigError{"lifecycle: " + speed + ": " + problem.what()};
  }
}

const Step& Steps::get(std::string_view name) const {
  const auto found = steps_.find(name);
  if (found == steps_.end()) throw std::logic_error("no lifecycle step " + std::string(name));
  return found->second;
}

Json Steps::delays() const {
  Json delays = Json::object();
  for (const auto& [name, step] : steps_) {
    if (step.quiet) continue;
    delays[name] = {{"delay_s", static_cast<double>(step.delay.count()) / 1000},
                    {"jitter_s", static_cast<double>(step.jitter.count()) / 1000}};
  }
  return delays;
}

void Steps::change(const Json& delays) {
  if (!delays.is_object()) throw ConfigError{"lifecycle: must be an object of steps"};
  auto changed = steps_;
  for (const auto& [name, delay] : delays.items()) {
    const auto found = changed.find(name);
    if (found == changed.end() || found->second.quiet)
      throw ConfigError{"lifecycle: unknown step `" + name + "`"};
    set_delay(found->second, delay);
  }
  steps_ = std::move(changed);
}

}  // namespace cvm
