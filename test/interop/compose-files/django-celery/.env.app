# what the app reads
SECRET_KEY="a \"quoted\" value\nwith two lines"
PLAIN=value with spaces   # and a comment
SINGLE='$NOT_REPLACED'
REPLACED="${DEBUG}-$PLAIN"
export EXPORTED=1
COLON: yes
EMPTY=
URL=redis://:p#ss@redis:6379/0
