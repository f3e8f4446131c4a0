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

// Simulated time has a beginning and an end: what the API's format can say, and the calendar
// computes without overflow.
inline constexpr Time time_begin{};
inline constexpr Time time_end{std::chrono::sys_days{std::chrono::year{9999} / 12 / 31} +
                               std::chrono::hours{24} - std::chrono::seconds{1}};

// `2026-01-01T00:00:00Z`, the API's format. Fractions of a second are dropped; what lies beyond the
// end of time is told as that.
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
// Never leaves simulated time.
Time add_months(Time time, std::int64_t months);
// How many months end by `until`, counted from `from`.
std::int64_t months_between(Time from, Time until);

}  // namespace cvm
