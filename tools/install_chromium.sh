#!/bin/sh
# The browser tests need Chromium. As root on Debian it is installed; otherwise the tests say that they are skipped.
set -eu
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing chromium ..."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
else
    echo "Chromium is not installed and this is not root: browser tests will be skipped (apt install chromium)."
fi
