# One image per process family; the role (api, worker, all, migrate) is the container's argument:
#   docker build --build-arg SERVICE=members --tag hearth-members:0.1.0 .
# SERVICE is members, content, engagement or gateway; any other has no stage at the end of this file.
ARG SERVICE

FROM python:3.11-slim-bookworm AS base
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1

FROM base AS build
ARG SERVICE
# An image does not change: its bytecode is never checked against times that a builder may rewrite.
ENV PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    VIRTUAL_ENV=/app/.venv
WORKDIR /app
RUN python -m venv --without-pip .venv

# uv itself at the version and by the hashes of the lock.
COPY requirements.lock ./
RUN sed -n '/^uv==/,/[^\\]$/p' requirements.lock > uv.lock \
    && pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action ignore --require-hashes --requirement uv.lock

# The service's own part of the lock, by what its package and the libraries state. A version or hash that the lock does not have
# ends the build: whatever is installed was locked and reviewed. (Markers are left out: there is one platform here.)
COPY pyproject.toml ./
COPY libs/contracts/pyproject.toml libs/contracts/
COPY libs/chassis/pyproject.toml libs/chassis/
COPY services/members/pyproject.toml services/members/
COPY services/content/pyproject.toml services/content/
COPY services/engagement/pyproject.toml services/engagement/
COPY gateway/pyproject.toml gateway/
COPY cli/pyproject.toml cli/
RUN home=$(find services gateway -path "*$SERVICE/pyproject.toml" -printf '%h') \
    && cp requirements.lock service.lock \
    && uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate \
        --no-emit-package hearth-contracts --no-emit-package hearth-chassis --no-emit-package "hearth-$SERVICE" \
        --output-file service.lock "$home/pyproject.toml" \
    && sed 's/ ; [^\\]*/ /' requirements.lock > locked \
    && { ! grep --line-regexp --fixed-strings --invert-match --file locked service.lock; } \
    && uv pip sync --require-hashes service.lock

# Our own packages, in place: a service finds its migrations beside its sources.
COPY libs libs
COPY services services
COPY gateway gateway
RUN home=$(find services gateway -path "*$SERVICE/pyproject.toml" -printf '%h') \
    && uv pip install --no-deps --build-constraint requirements.lock -e libs/contracts -e libs/chassis -e "$home" \
    && python -m compileall -q --invalidation-mode unchecked-hash libs "$home"

FROM base AS runtime
RUN groupadd --gid 10001 hearth \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin hearth
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY --from=build /app/libs libs
ENV HEARTH_ENV=production \
    HEARTH_HOST=0.0.0.0 \
    HEARTH_PORT=8080 \
    HEARTH_INTERNAL_PORT=9090
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
USER 10001:10001
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hearth-$SERVICE" \
      org.opencontainers.image.description="Hearth: the back end of private communities" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

FROM runtime AS run-members
COPY --from=build /app/services/members services/members
ENTRYPOINT ["python", "-m", "members"]
CMD ["all"]

FROM runtime AS run-content
COPY --from=build /app/services/content services/content
ENTRYPOINT ["python", "-m", "content"]
CMD ["all"]

FROM runtime AS run-engagement
COPY --from=build /app/services/engagement services/engagement
ENTRYPOINT ["python", "-m", "engagement"]
CMD ["all"]

FROM runtime AS run-gateway
COPY --from=build /app/gateway gateway
ENTRYPOINT ["python", "-m", "gateway"]
CMD ["all"]

FROM run-$SERVICE
