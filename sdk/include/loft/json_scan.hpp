// Skipping the bytes of JSON strings that need no closer look, many at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace loft::json::detail {

/// Whether none of the eight bytes needs a closer look inside a string: all are printable ASCII other than `"` and `\`.
inline bool all_plain(const char* p) noexcept {
  std::uint64_t word;
  std::memcpy(&word, p, 8);
  constexpr std::uint64_t ones = 0x0101010101010101ull;
  constexpr std::uint64_t highs = 0x8080808080808080ull;
  const auto has_zero = [](std::uint64_t v) { return (v - ones) & ~v & highs; };
  return ((word & highs) | has_zero(word ^ (ones * '"')) | has_zero(word ^ (ones * '\\')) |
          ((word - ones * 0x20) & ~word & highs)) == 0;
}

/// Over bytes that need no closer look: to the first that does, or to the last few before the end.
inline const char* skip_plain(const char* p, const char* end) noexcept {
#ifdef __SSE2__
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // Compared as signed, bytes beyond ASCII are less than a space as well.
    const __m128i special = _mm_or_si128(
        _mm_cmpgt_epi8(_mm_set1_epi8(0x20), bytes),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
    if (const auto found = static_cast<unsigned>(_mm_movemask_epi8(special))) return p + std::countr_zero(found);
  }
#endif
  while (end - p >= 8 && all_plain(p)) p += 8;
  return p;
}

/// Over bytes that are neither `"` nor `\`, whatever else they are: to the first, or to the last few before the end.
inline const char* skip_to_quote(const char* p, const char* end) noexcept {
#ifdef __SSE2__
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i special =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    if (const auto found = static_cast<unsigned>(_mm_movemask_epi8(special))) return p + std::countr_zero(found);
  }
#else
  while (end - p >= 8 && all_plain(p)) p += 8;
#endif
  return p;
}

}  // namespace loft::json::detail
