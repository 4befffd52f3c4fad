/* Benchmark: SSE2: packed and scalar double-precision arithmetic, packed single precision, packed 16- and
   32-bit integers, shuffles and conversions. Skipped where CPUID does not show SSE2. */
#include <emmintrin.h>
#include "runtime/runtime.h"

#define COUNT 1024

int run(void)
{
  static double x[COUNT] __attribute__((aligned(16))), y[COUNT] __attribute__((aligned(16)));
  static float f[COUNT] __attribute__((aligned(16)));
  static int16_t s[COUNT] __attribute__((aligned(16)));
  uint32_t a = 1, b, c, d, seed = 8, checksum = FOLD_START;
  __asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  if (!(d & 1u << 26))
    return STATUS_SKIPPED;
  for (int i = 0; i < COUNT; i++) {
    x[i] = (int)(next_random(&seed) % 4000) / 1000.0 - 2;
    y[i] = (int)(next_random(&seed) % 4000) / 1000.0;
    f[i] = (float)(int)(next_random(&seed) % 1000) / 16;
    s[i] = (int16_t)next_random(&seed);
  }
  __m128i sums = _mm_setzero_si128();
  for (uint32_t n = scaled(1200); n; n--) {
    const __m128d half = _mm_set1_pd(0.5);
    for (int i = 0; i < COUNT; i += 2) {
      __m128d v = _mm_load_pd(x + i), w = _mm_load_pd(y + i);
      v = _mm_add_pd(_mm_mul_pd(v, half), _mm_sqrt_pd(w));
      w = _mm_max_pd(_mm_sub_pd(w, _mm_mul_pd(half, v)), half);
      _mm_store_pd(x + i, _mm_sub_pd(v, _mm_shuffle_pd(w, w, 1)));
      _mm_store_pd(y + i, w);
    }
    for (int i = 0; i < COUNT; i += 4) {
      __m128 v = _mm_load_ps(f + i);
      __m128i whole = _mm_cvttps_epi32(v);
      v = _mm_div_ps(_mm_add_ps(v, _mm_set1_ps(3)), _mm_add_ps(_mm_cvtepi32_ps(whole), _mm_set1_ps(1.5f)));
      _mm_store_ps(f + i, _mm_shuffle_ps(v, v, 0x39));
      sums = _mm_add_epi32(sums, whole);
    }
    for (int i = 0; i < COUNT; i += 8) {
      __m128i v = _mm_load_si128((const __m128i *)(s + i));
      __m128i greater = _mm_cmpgt_epi16(v, _mm_setzero_si128());
      v = _mm_xor_si128(_mm_adds_epi16(v, _mm_srli_epi16(v, 3)), greater);
      sums = _mm_add_epi32(sums, _mm_madd_epi16(v, _mm_set1_epi16(3)));
      _mm_store_si128((__m128i *)(s + i), _mm_shuffle_epi32(v, 0x4e));
    }
    double scalar = 1;
    for (int i = 0; i < COUNT; i++)
      scalar = scalar * 0.75 + x[i];
    y[n % COUNT] = scalar < 0 ? -scalar : scalar;
  }
  uint32_t lanes[4];
  memcpy(lanes, &sums, sizeof lanes);
  checksum = fold_bytes(checksum, lanes, sizeof lanes);
  return report(fold_bytes(fold_bytes(checksum, x, sizeof x), f, sizeof f));
}
