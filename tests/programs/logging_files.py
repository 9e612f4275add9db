# Logging: files, rotation, memory, filters, adapters, configuration, captured warnings.
import logging
import logging.config
import logging.handlers
import os
import sys
import warnings


def logs():
    root = logging.getLogger("app")
    root.setLevel(logging.DEBUG)
    handler = logging.FileHandler("app.log", mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(levelname)-8s %(name)s %(funcName)s:%(message)s [%(threadName)s]"))
    root.addHandler(handler)
    root.propagate = False
    child = logging.getLogger("app.child")
    child.info("value %d of %s", 5, ["x"])
    child.warning("mapping %(a)s", {"a": "ü"})
    child.debug("bad %d", "text") if False else None
    try:
        {}["k"]
    except KeyError:
        child.exception("with a traceback")
    child.error("stack", exc_info=False, stack_info=False, extra={"own": 1})
    child.setLevel("ERROR")
    child.warning("dropped")
    child.log(45, "level %s", logging.getLevelName(45))
    root.addFilter(lambda record: "secret" not in record.getMessage())
    root.critical("a secret")
    root.critical("no sec" "rets")
    logging.LoggerAdapter(root, {"who": "ann"}).warning("adapted")
    handler.close()
    print(open("app.log", encoding="utf-8").read())
    rotating = logging.handlers.RotatingFileHandler("rot.log", maxBytes=60, backupCount=2)
    logger = logging.Logger("rot")
    logger.addHandler(rotating)
    for n in range(8):
        logger.warning("line number %d is long enough", n)
    rotating.close()
    print({name: open(name).read().count("\n") for name in sorted(os.listdir()) if name.startswith("rot")})
    memory = logging.handlers.MemoryHandler(3, target=logging.StreamHandler(sys.stdout))
    logger = logging.Logger("memory")
    logger.addHandler(memory)
    logger.info("one")
    print("buffered", len(memory.buffer))
    logger.error("two")
    logging.config.dictConfig({"version": 1, "formatters": {"f": {"format": "{levelname}:{message}", "style": "{"}}, "handlers": {"h": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "f"}},
                               "loggers": {"configured": {"handlers": ["h"], "level": "INFO", "propagate": False}}, "disable_existing_loggers": False})
    logging.getLogger("configured").info("works")
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(logging.StreamHandler(sys.stdout))
    warnings.warn_explicit("captured", UserWarning, "c.py", 9)
    logging.captureWarnings(False)
    print(logging.getLogger("app") is root, root, logging.getLevelName("WARNING"), child.getEffectiveLevel(), child.isEnabledFor(30), logging.getLogger("app").getChild("child") is child)


logs()
