// Formats and reads the API's timestamps.
#include "state/base/time.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace cvm {

namespace {

// The number in `text[at, at+length)`, or -1 if a character there is not a digit.
int digits(std::string_view text, std::size_t at, std::size_t length) {
  int number = 0;
  for (char c : text.substr(at, length)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

// Writes a number of so many digits.
void put(std::string& text, std::size_t at, std::size_t length, unsigned number) {
  for (std::size_t i = length; i-- > 0; number /= 10)
    text[at + i] = static_cast<char>('0' + number % 10);
}

// Months since the year 0.
std::int64_t month_number(Time time) {
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
  return std::int64_t{12} * static_cast<int>(date.year()) + static_cast<unsigned>(date.month()) - 1;
}

}  // namespace

std::string iso8601(Time time) {
  time = std::min(time, time_end);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  std::string text = "0000-00-00T00:00:00Z";
  put(text, 0, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put(text, 5, 2, static_cast<unsigned>(date.month()));
  put(text, 8, 2, static_cast<unsigned>(date.day()));
  put(text, 11, 2, static_cast<unsigned>(clock.hours().count()));
  put(text, 14, 2, static_cast<unsigned>(clock.minutes().count()));
  put(text, 17, 2, static_cast<unsigned>(clock.seconds().count()));
  return text;
}

std::string date_time(Time time) {
  std::string text = iso8601(time);
  text[10] = ' ';
  text.pop_back();
  return text;
}

std::optional<Time> parse_iso8601(std::string_view text) {
  static constexpr std::string_view form = "....-..-..T..:..:..Z";
  if (text.size() != form.size()) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '.' && form[i] != text[i]) return std::nullopt;
  }
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return Time{std::chrono::sys_days{date} + std::chrono::hours{hour} +
              std::chrono::minutes{minute} + std::chrono::seconds{second}};
}

std::string iso8601_ms(Time time) {
  std::string text = iso8601(time);
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                static_cast<int>((time - whole).count()));
  text.replace(text.size() - 1, 1, fraction.data());
  return text;
}

std::optional<Time> parse_iso8601_ms(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == text.npos) return parse_iso8601(text);
  const std::string_view fraction = text.substr(dot + 1);
  const int ms = fraction.size() == 4 && fraction[3] == 'Z' ? digits(fraction, 0, 3) : -1;
  const auto whole = parse_iso8601(std::string(text.substr(0, dot)) + "Z");
  return ms < 0 || !whole ? std::nullopt : std::optional(*whole + Milliseconds{ms});
}

double days_between(Time from, Time until) {
  return std::chrono::duration<double, std::ratio<86400>>(until - from).count();
}

Time add_months(Time time, std::int64_t months) {
  // Counted from the year 0, where no calendar type can wrap.
  const std::int64_t there = month_number(time) + months;
  if (there >= month_number(time_end) + 1) return time_end;
  if (there < month_number(time_begin)) return time_begin;
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month month{std::chrono::year{static_cast<int>(there / 12)},
                                      std::chrono::month{static_cast<unsigned>(there % 12 + 1)}};
  std::chrono::year_month_day date = month / std::chrono::year_month_day{day}.day();
  if (!date.ok()) date = month / std::chrono::last;
  return Time{std::chrono::sys_days{date} + (time - day)};
}

std::int64_t months_between(Time from, Time until) {
  const std::int64_t months = month_number(until) - month_number(from);
  return add_months(from, months) <= until ? months : months - 1;
}

}  // namespace cvm
