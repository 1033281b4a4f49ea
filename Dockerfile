# The image of gracekeeper: the program, the shared libraries it needs, gracekeeper-await-app, which is put
# beside other people's proxies, and nothing else (no shell).
#
#   docker build -t gracekeeper .                        or: make image
#   docker buildx build --platform linux/amd64,linux/arm64 …
#
# BASE_IMAGE is any Debian 13: where no registry can be reached, `make image BASE_IMAGE=debootstrap`
# makes one. Debian 13 and not 12: its cpp-httplib has the fixes that 12's lacks.
ARG BASE_IMAGE=debian:13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /source
# The packages first: they change less often than the sources.
COPY scripts/install-deps.sh scripts/
RUN scripts/install-deps.sh
COPY . .
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake --preset release \
 && cmake --build build --target gracekeeper gracekeeper-await-app
# Of the commit: the same commit gives the same bill of materials.
ARG SOURCE_DATE_EPOCH
RUN SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date +%s)} \
    scripts/image-root.sh build/gracekeeper /image build/gracekeeper-await-app

# Every test on Debian 13: make image-test
FROM build AS test
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake --build build \
 && ctest --test-dir build --output-on-failure --parallel 2

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gracekeeper" \
      org.opencontainers.image.description="Admission webhook that keeps sidecar proxies running until the application has stopped" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/usr/bin/gracekeeper"]
CMD ["serve"]
