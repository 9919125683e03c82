# convlens serve, without PyTorch: docs/deploy.md says how to run it
FROM python:3.12-slim AS build
ARG EXTRAS=serve
# git is not sent into the build: --build-arg SETUPTOOLS_SCM_PRETEND_VERSION=1.2.3 names the version
ARG SETUPTOOLS_SCM_PRETEND_VERSION=0.0
WORKDIR /source
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m venv --without-pip /opt/convlens \
 && pip --python /opt/convlens/bin/python install --constraint constraints.txt ".[$EXTRAS]"

FROM python:3.12-slim
COPY --from=build /opt/convlens /opt/convlens
ENV PATH=/opt/convlens/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:8000/health', timeout=5)"]
ENTRYPOINT ["convlens"]
CMD ["serve", "/detector", "--host", "0.0.0.0"]
