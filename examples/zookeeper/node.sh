#!/bin/sh
# Starts a server of Debian's ZooKeeper with its number, in the node's own directory.
#
#   node.sh NUMBER
set -eu
cd "$CHAOS_DIR"
mkdir -p data
echo "$1" >data/myid
cat >zoo.cfg <<END
tickTime=500
initLimit=10
syncLimit=4
dataDir=$CHAOS_DIR/data
clientPort=2181
admin.enableServer=false
4lw.commands.whitelist=srvr
server.1=z1:2888:3888
server.2=z2:2888:3888
server.3=z3:2888:3888
END
# What zookeeper.jar needs is named in its manifest; its log goes to standard output.
jars=/usr/share/java
exec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.logFile=System.out \
    -cp "$jars/slf4j-simple.jar:$jars/zookeeper.jar" org.apache.zookeeper.server.quorum.QuorumPeerMain zoo.cfg
