// Points in time, in milliseconds since 1970-01-01T00:00:00Z. Simulated and wall time use the
// same type and are never mixed: wall time only meets signatures and rate limits.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cvm {

using Milliseconds = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Milliseconds>;

// `2026-01-01T00:00:00Z`, the API's format. Fractions of a second are dropped.
std::string iso8601(Time time);

// `2026-01-01 00:00:00`, the API's other format.
std::string date_time(Time time);

// With three digits of fraction: `2026-01-01T00:00:00.250Z`. And back: fractions are optional.
std::string iso8601_ms(Time time);
std::optional<Time> parse_iso8601_ms(std::string_view text);

// Takes exactly `YYYY-MM-DDThh:mm:ssZ` with a date that exists; nothing otherwise.
std::optional<Time> parse_iso8601(std::string_view text);

// From one time to another, in days.
double days_between(Time from, Time until);

// The same day and time of day `months` later, or the last day of that month if it is shorter.
Time add_months(Time time, int months);

}  // namespace cvm
