"""Times as counts in buckets: small enough to keep of every slice, fine enough to tell every percentile."""

from collections import Counter
from collections.abc import Iterable

import msgspec

# A bucket is at most 1/128 as wide as the times in it.
_EXACT_BITS = 8
_HALF = 1 << (_EXACT_BITS - 1)


class Histogram(msgspec.Struct, frozen=True):
    """Nanoseconds, each known to a hundredth.

    Attributes:
        counts: how many times fell into each bucket; a bucket's number says how long (`bounds`).
    """

    counts: dict[int, int] = {}

    @classmethod
    def of(cls, times: Iterable[int]) -> "Histogram":
        """The histogram of times in nanoseconds; what is negative counts as 0."""
        return cls(dict(Counter(bucket_of(time) for time in times)))

    @classmethod
    def together(cls, histograms: Iterable["Histogram"]) -> "Histogram":
        """One histogram of all times of several."""
        counts: Counter[int] = Counter()
        for one in histograms:
            counts.update(one.counts)
        return cls(dict(counts))

    @property
    def count(self) -> int:
        """How many times there are."""
        return sum(self.counts.values())

    def percentile(self, part: float) -> float:
        """The time, in milliseconds, that this part of the times does not exceed; 0 where there are none.

        Args:
            part: 0.99 for the 99th percentile.
        """
        # The nearest rank: the smallest time that at least this part of all times are not above.
        rank = max(1, -(-self.count * round(part * 1_000_000) // 1_000_000))
        passed = 0
        for bucket, count in sorted(self.counts.items()):
            passed += count
            if passed >= rank:
                low, high = bounds(bucket)
                return (low + high) / 2 / 1e6
        return 0.0


def bucket_of(time: int) -> int:
    """The bucket of a time: exact below 256 ns, then 128 buckets for each doubling."""
    if time < 2 * _HALF:
        return max(time, 0)
    shift = time.bit_length() - _EXACT_BITS
    return shift * _HALF + (time >> shift)


def bounds(bucket: int) -> tuple[int, int]:
    """The least and the greatest time of a bucket."""
    if bucket < 2 * _HALF:
        return bucket, bucket
    shift = bucket // _HALF - 1
    low = (bucket - shift * _HALF) << shift
    return low, low + (1 << shift) - 1
