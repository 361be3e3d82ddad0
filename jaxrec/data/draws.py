"""Draws without replacement, for many keys at once.

To the bit what NumPy draws with a generator of its own for each key, which
takes longer than all else that is done for an example. Besides, NumPy promises
that its seeds and bits will stay as they are, not that `choice` will.
"""

import numpy as np

# Of SeedSequence: randutils' seed_seq (O'Neill, 2015).
INIT_A, MULT_A = 0x43B0D7E5, 0x931E8875
INIT_B, MULT_B = 0x8B51F9DD, 0x58F38DED
MIX_L, MIX_R = 0xCA01F9DD, 0x4973F715
POOL = 4  # Words.
# Of PCG64 (O'Neill, 2014), high and low.
PCG = 0x2360ED051FC65DA4, 0x4385DF649FCCF645
LOW = 0xFFFFFFFF
LARGE = 10_000  # From here on NumPy may draw in another way.


def draw(
  seed: int, *key: np.ndarray, sizes: np.ndarray, counts: np.ndarray
) -> np.ndarray:
  """`default_rng((seed, *key)).choice(size, count, replace=False)` of each.

  Args:
    seed: 0 to 2**64 - 1.
    key: two int [B], 0 to 2**32 - 1.
    sizes, counts: int [B], a size at least its count.

  Returns:
    int64 [sum of counts], the draws of all keys in turn.
  """
  numbers = _numbers(seed, key, int(counts.max(initial=0)))
  rows, used = np.arange(len(sizes)), np.zeros(len(sizes), int)
  slow = sizes > LARGE

  def below(limits, wanted):
    """A number below each limit (Lemire, 2019); of 1 there is only 0."""
    nonlocal slow
    product = numbers[rows, used] * limits.astype(np.uint64)
    wanted = wanted & (limits > 1)
    used[wanted] += 1
    # Some of these would be drawn again.
    slow = slow | (wanted & ((product & LOW) < limits.astype(np.uint64)))
    return np.where(wanted, product >> 32, 0).astype(np.int64)

  drawn = np.full((len(sizes), counts.max(initial=0)), -1)
  for k in range(drawn.shape[1]):  # Floyd's algorithm (Bentley, 1987) ...
    wanted = k < counts
    last = np.maximum(sizes - counts + k, 0)
    found = below(last + 1, wanted)
    again = (drawn[:, :k] == found[:, None]).any(1)
    drawn[wanted, k] = np.where(again, last, found)[wanted]
  for k in range(drawn.shape[1] - 1, 0, -1):  # ... and a shuffle.
    wanted = k < counts
    other = np.where(wanted, below(np.full(len(sizes), k + 1), wanted), k)
    drawn[rows, k], drawn[rows, other] = drawn[rows, other], drawn[rows, k]
  for i in np.flatnonzero(slow & (counts > 0)):
    rng = np.random.default_rng((seed, *(int(x[i]) for x in key)))
    drawn[i, : counts[i]] = rng.choice(sizes[i], counts[i], replace=False)
  return drawn[np.arange(drawn.shape[1]) < counts[:, None]]


def _numbers(seed: int, key, count: int) -> np.ndarray:
  """The first 2 * count + 1 numbers of 32 bits of each key, uint64."""
  words = [seed & LOW] + [seed >> 32] * (seed > LOW)
  words = [np.full(len(key[0]), word) for word in words] + list(key)
  words += [np.zeros(len(key[0]))] * (POOL - len(words))
  start_high, start_low, high, low = _seeds(
    [w.astype(np.uint32) for w in words]
  )
  high, low = (high << 1) | (low >> 63), (low << 1) | 1

  def step(state_high, state_low):
    """state * PCG + (high, low), modulo 2**128."""
    product = state_low * PCG[1]
    carry = _times_high(state_low, PCG[1])
    found = product + low
    return (
      state_high * PCG[1] + state_low * PCG[0] + carry + high + (found < low),
      found,
    )

  found_low = low + start_low  # The first step is from 0.
  state = step(high + start_high + (found_low < low), found_low)
  numbers = []
  for _ in range(count + 1):
    state = step(*state)
    bits, turn = state[0] ^ state[1], state[0] >> 58
    bits = (bits >> turn) | (bits << ((64 - turn) & 63))
    numbers += [bits & LOW, bits >> 32]
  return np.stack(numbers, 1)


def _seeds(words: list[np.ndarray]) -> list[np.ndarray]:
  """SeedSequence's first four numbers of 64 bits."""
  hashed = lambda x: x ^ (x >> 16)
  constant = INIT_A

  def mixed(x):
    nonlocal constant
    x = x ^ constant
    constant = constant * MULT_A & LOW
    return hashed(x * constant)

  pool = [mixed(word) for word in words]
  for source in range(POOL):
    for i in range(POOL):
      if i != source:
        pool[i] = hashed(pool[i] * MIX_L - mixed(pool[source]) * MIX_R)
  found, constant = [], INIT_B
  for i in range(2 * POOL):
    x = pool[i % POOL] ^ constant
    constant = constant * MULT_B & LOW
    found.append(hashed(x * constant).astype(np.uint64))
  return [a | (b << 32) for a, b in zip(found[::2], found[1::2], strict=True)]


def _times_high(x: np.ndarray, factor: int) -> np.ndarray:
  """The high 64 bits of x * factor."""
  low, high = x & LOW, x >> 32
  middle = high * (factor & LOW) + (low * (factor & LOW) >> 32)
  other = low * (factor >> 32) + (middle & LOW)
  return high * (factor >> 32) + (middle >> 32) + (other >> 32)
