/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256_ni.c - SHA-256 by the CPU's SHA instructions; see sha256_ni.h.
 *
 * The instructions keep the state in two registers, ABEF and CDGH, highest word first, and do two
 * rounds at a time; the message schedule is four words wide. FIPS 180-4 names are used throughout.
 * tests/unit/test_digest.c compares it with libsodium's for every length up to some blocks.
 */
#include "sys/sha256_ni.h"

#include <immintrin.h>

#define NI __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

bool sha256_ni_supported(void)
{
	uint32_t a, b, c, d;

	/* CPUID leaf 7, EBX bit 29; gcc 12 has no name for it in __builtin_cpu_supports(). */
	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0), "c"(0));
	if (a < 7)
		return false;
	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
	return (b & (UINT32_C(1) << 29)) != 0 && __builtin_cpu_supports("sse4.1") &&
	       __builtin_cpu_supports("ssse3");
}

/* The message words of 16 bytes: big-endian in the file. */
NI static __m128i load_words(const uint8_t *p)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), swap);
}

/* The four message words after w0..w3. */
NI static __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	__m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));

	return _mm_sha256msg2_epu32(t, w3);
}

NI static void one_block(__m128i *abef, __m128i *cdgh, const uint8_t *block)
{
	__m128i s0 = *abef, s1 = *cdgh, w[4];

	for (size_t i = 0; i < 4; i++)
		w[i] = load_words(block + 16 * i);
#pragma GCC unroll 16
	for (size_t i = 0; i < 16; i++) {
		const void *k = &round_constants[4 * i];
		__m128i wk;

		if (i >= 4)
			w[i % 4] = next_words(w[i % 4], w[(i + 1) % 4], w[(i + 2) % 4],
					      w[(i + 3) % 4]);
		wk = _mm_add_epi32(w[i % 4], _mm_load_si128((const __m128i *)k));
		s1 = _mm_sha256rnds2_epu32(s1, s0, wk);
		s0 = _mm_sha256rnds2_epu32(s0, s1, _mm_shuffle_epi32(wk, 0x0e));
	}
	*abef = _mm_add_epi32(*abef, s0);
	*cdgh = _mm_add_epi32(*cdgh, s1);
}

NI void sha256_ni_blocks(uint32_t state[8], const uint8_t *blocks, size_t n)
{
	__m128i abef = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
	__m128i cdgh = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);

	for (; n > 0; n--, blocks += 64)
		one_block(&abef, &cdgh, blocks);
	state[0] = (uint32_t)_mm_extract_epi32(abef, 3);
	state[1] = (uint32_t)_mm_extract_epi32(abef, 2);
	state[4] = (uint32_t)_mm_extract_epi32(abef, 1);
	state[5] = (uint32_t)_mm_extract_epi32(abef, 0);
	state[2] = (uint32_t)_mm_extract_epi32(cdgh, 3);
	state[3] = (uint32_t)_mm_extract_epi32(cdgh, 2);
	state[6] = (uint32_t)_mm_extract_epi32(cdgh, 1);
	state[7] = (uint32_t)_mm_extract_epi32(cdgh, 0);
}
