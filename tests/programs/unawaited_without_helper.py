"""A coroutine that nobody awaited is warned of even when `warnings` lost the function that words it."""
import warnings


async def nothing():
    pass


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    nothing()
    del warnings._warn_unawaited_coroutine
    nothing()
print(*caught, sep='\n')
