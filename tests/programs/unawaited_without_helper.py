"""A coroutine that nobody awaited is warned of even when `warnings` lost the function that words it."""
import warnings


async def nothing():
    pass


nothing()
del warnings._warn_unawaited_coroutine
nothing()
